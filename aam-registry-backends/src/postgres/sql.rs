//! Prepared statements and the way between columns and domain types.

use std::{borrow::Cow, error::Error, fmt::Display, str::FromStr, time::Duration};

use aam_registry_core::types::{AccountRoles, Sha256Digest};
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use tokio_postgres::{
    Row,
    row::RowIndex,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};
use uuid::Uuid;

use super::{
    connection::{Params, Session},
    failure::{Failure, Tx},
};
use crate::relational::columns::{self, Corrupt};

/// Runs a statement that gives no rows; how many rows it changed.
pub(super) async fn run<const N: usize>(tx: &Session, sql: &'static str, params: Params<'_, N>) -> Tx<u64> {
    let [statement] = tx.prepare([sql]).await?;
    tx.execute(&statement, params).await
}

/// The first row of a query.
pub(super) async fn first<T, const N: usize>(
    tx: &Session,
    sql: &'static str,
    params: Params<'_, N>,
    read: impl FnOnce(&Row) -> Tx<T>,
) -> Tx<Option<T>> {
    let [statement] = tx.prepare([sql]).await?;
    tx.rows(&statement, params).await?.first().map(read).transpose()
}

/// Every row of a query.
pub(super) async fn all<T, C: FromIterator<T>, const N: usize>(
    tx: &Session,
    sql: &'static str,
    params: Params<'_, N>,
    read: impl Fn(&Row) -> Tx<T>,
) -> Tx<C> {
    let [statement] = tx.prepare([sql]).await?;
    tx.rows(&statement, params).await?.iter().map(read).collect()
}

/// Whether a query gives any row.
pub(super) async fn exists<const N: usize>(tx: &Session, sql: &'static str, params: Params<'_, N>) -> Tx<bool> {
    Ok(first(tx, sql, params, |_| Ok(())).await?.is_some())
}

/// A column that holds the text of a domain type.
pub(super) fn parsed<T: FromStr>(row: &Row, column: usize) -> Tx<T>
where
    Failure: From<T::Err>,
{
    Ok(row.try_get::<_, &str>(column)?.parse()?)
}

/// A column that holds a domain type as `read` knows it.
pub(super) fn coded<T>(row: &Row, column: usize, read: impl FnOnce(&str) -> Result<T, Corrupt>) -> Tx<T> {
    Ok(read(row.try_get(column)?)?)
}

/// A column that holds an id.
pub(super) fn id<T: From<Uuid>>(row: &Row, column: usize) -> Tx<T> {
    Ok(row.try_get::<_, Uuid>(column)?.into())
}

/// Reads the roles of an account from the columns of [`columns::role_columns!`] that start at `at`.
pub(super) fn roles(row: &Row, at: usize) -> Tx<AccountRoles> {
    let has = [row.try_get(at)?, row.try_get(at + 1)?, row.try_get(at + 2)?, row.try_get(at + 3)?];
    Ok(columns::account_roles(has))
}

pub(super) fn instant(row: &Row, column: usize) -> Tx<Timestamp> {
    Ok(columns::instant(row.try_get(column)?)?)
}

pub(super) fn optional_instant(row: &Row, column: usize) -> Tx<Option<Timestamp>> {
    Ok(row.try_get::<_, Option<i64>>(column)?.map(columns::instant).transpose()?)
}

pub(super) fn digest(row: &Row, column: usize) -> Tx<Sha256Digest> {
    let bytes: &[u8] = row.try_get(column)?;
    let bytes: [u8; 32] =
        bytes.try_into().map_err(|_| Failure::Corrupt(format!("a digest of {} bytes", bytes.len())))?;
    Ok(bytes.into())
}

/// A count or size, which the database keeps signed.
pub(super) fn unsigned(row: &Row, column: usize) -> Tx<u64> {
    Ok(row.try_get::<_, i64>(column)?.unsigned_abs())
}

/// Text somebody typed.
pub(super) fn text(row: &Row, column: usize) -> Tx<String> {
    Ok(row.try_get::<_, Typed>(column)?.0)
}

/// Text somebody may have typed.
pub(super) fn optional_text(row: &Row, column: impl RowIndex + Display) -> Tx<Option<String>> {
    Ok(row.try_get::<_, Option<Typed>>(column)?.map(|text| text.0))
}

/// What stands for NUL, which PostgreSQL cannot hold, and for itself.
const ESCAPE: char = '\u{1}';

/// Text somebody typed, as a parameter: anything at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl ToSql for Text<'_> {
    fn to_sql(&self, kind: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        escaped(self.0).to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        <&str as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}

/// Text somebody typed, as a column.
struct Typed(String);

impl<'a> FromSql<'a> for Typed {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(unescaped(<&str as FromSql>::from_sql(kind, raw)?)))
    }

    fn accepts(kind: &Type) -> bool {
        <&str as FromSql>::accepts(kind)
    }
}

pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\0' => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

pub(super) fn unescaped(text: &str) -> String {
    if !text.contains(ESCAPE) {
        return text.to_owned();
    }
    let mut unescaped = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        unescaped.push(match letter {
            ESCAPE if letters.next() == Some('0') => '\0',
            other => other,
        });
    }
    unescaped
}

const EPOCH: Date = date(1970, 1, 1);

/// A day as the days since 1970 that it begins, within what the database knows as a date.
pub(super) fn day_number(day: Date) -> i32 {
    let day = day.max(date(1, 1, 1));
    day.since(EPOCH).map_or(0, |span| span.get_days())
}

/// The day of [`day_number`].
pub(super) fn day(row: &Row, column: usize) -> Tx<Date> {
    let number: i32 = row.try_get(column)?;
    EPOCH.checked_add(jiff::Span::new().days(number)).map_err(|error| Failure::Corrupt(error.to_string()))
}

/// The database's clock when the statement began, in microseconds since 1970.
macro_rules! now {
    () => {
        "(extract(epoch FROM now()) * 1000000)::bigint"
    };
}
pub(super) use now;

/// A duration in microseconds.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back() {
        for text in ["", "plain", "a\0b", "\0\0", "\u{1}", "\u{1}0\u{1}1\0", "ü\u{1}"] {
            let held = escaped(text);
            assert!(!held.contains('\0'), "{held:?}");
            assert_eq!(unescaped(&held), text);
        }
    }

    #[test]
    fn days_are_numbered_from_1970() {
        for (day, number) in [(date(1970, 1, 1), 0), (date(1969, 12, 31), -1), (date(2026, 1, 1), 20_454)] {
            assert_eq!(day_number(day), number);
        }
        assert_eq!(day_number(Date::MIN), day_number(date(1, 1, 1)));
        assert_eq!(day_number(Date::MAX), 2_932_896);
    }
}
