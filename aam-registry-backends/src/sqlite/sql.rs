//! Prepared statements and the way between columns and domain types.

use std::str::FromStr;

use aam_registry_core::{
    ports::{Clock, SystemClock},
    types::Sha256Digest,
};
use futures_util::FutureExt;
use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, types::FromSql};

use super::failure::{Failure, Tx};
use crate::relational::columns::{self, Corrupt};

/// The clock of the database, which is that of the machine, in microseconds since 1970.
pub(super) fn now() -> i64 {
    SystemClock.now().as_microsecond()
}

/// What a future gives whose statements are those of a [`Connection`]: SQLite answers at once, so it never waits.
pub(super) fn at_once<T>(work: impl Future<Output = Tx<T>>) -> Tx<T> {
    work.now_or_never().unwrap_or_else(|| Err(Failure::Corrupt("a statement that waits".into())))
}

/// Runs a statement that gives no rows; how many rows it changed.
pub(super) fn run(tx: &Connection, sql: &str, params: impl Params) -> Tx<usize> {
    Ok(tx.prepare_cached(sql)?.execute(params)?)
}

/// The first row of a query.
pub(super) fn first<T>(
    tx: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Tx<T>,
) -> Tx<Option<T>> {
    tx.prepare_cached(sql)?.query_and_then(params, read)?.next().transpose()
}

/// Every row of a query.
pub(super) fn all<T, C: FromIterator<T>>(
    tx: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Tx<T>,
) -> Tx<C> {
    tx.prepare_cached(sql)?.query_and_then(params, read)?.collect()
}

/// Whether a query gives any row.
pub(super) fn exists(tx: &Connection, sql: &str, params: impl Params) -> Tx<bool> {
    Ok(tx.prepare_cached(sql)?.exists(params)?)
}

/// The only column of a row.
pub(super) fn value<T: FromSql>(row: &Row<'_>) -> Tx<T> {
    Ok(row.get(0)?)
}

/// A column that holds the text of a domain type.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> Tx<T>
where
    Failure: From<T::Err>,
{
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?.parse()?)
}

pub(super) fn instant(row: &Row<'_>, column: usize) -> Tx<Timestamp> {
    Ok(columns::instant(row.get(column)?)?)
}

pub(super) fn optional_instant(row: &Row<'_>, column: usize) -> Tx<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(columns::instant).transpose()?)
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> Tx<Sha256Digest> {
    Ok(row.get::<_, [u8; 32]>(column)?.into())
}

/// A count or size, which the database keeps signed.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Tx<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}

/// A column that holds a domain type as `read` knows it.
pub(super) fn coded<T>(row: &Row<'_>, column: usize, read: impl FnOnce(&str) -> Result<T, Corrupt>) -> Tx<T> {
    Ok(read(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)?)
}
