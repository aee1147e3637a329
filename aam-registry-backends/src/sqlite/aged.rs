use aam_registry_core::types::Aged;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rusqlite::Connection;

use super::{
    failure::{Failure, Tx},
    sql,
};
use crate::relational::columns;

/// Since when the oldest of these rows ages.
pub(super) fn oldest(tx: &Connection, what: Aged) -> Tx<Option<Timestamp>> {
    let of = |query: &str| Ok::<_, Failure>(sql::first(tx, query, [], |row| sql::optional_instant(row, 0))?.flatten());
    Ok(match what {
        Aged::Tokens => {
            let revoked = of("SELECT min(revoked_at) FROM tokens WHERE revoked_at IS NOT NULL")?;
            let expired = of("SELECT min(expires_at) FROM tokens WHERE expires_at IS NOT NULL")?;
            [revoked, expired].into_iter().flatten().min()
        }
        Aged::Reports => of("SELECT min(closed_at) FROM reports WHERE closed_at IS NOT NULL")?,
        Aged::FailedJobs => of("SELECT min(failed_at) FROM jobs WHERE failed_at IS NOT NULL")?,
        Aged::Downloads => {
            let day =
                sql::first(tx, "SELECT min(day) FROM download_days", [], |row| Ok(row.get::<_, Option<String>>(0)?))?;
            day.flatten().map(|day| begin_of(&day)).transpose()?
        }
        other => return Err(Failure::Corrupt(format!("no rows are known as {}", other.as_str()))),
    })
}

fn begin_of(day: &str) -> Tx<Timestamp> {
    let corrupt = |_| Failure::Corrupt(format!("day `{day}`"));
    let day: Date = day.parse().map_err(corrupt)?;
    Ok(day.to_zoned(TimeZone::UTC).map_err(corrupt)?.timestamp())
}

/// Deletes the oldest of these rows that have aged since before that.
pub(super) fn drop_oldest(tx: &Connection, what: Aged, before: Timestamp, limit: usize) -> Tx<()> {
    let (at, limit) = (before.as_microsecond(), columns::limit(limit));
    let delete = |table: &str, column: &str| {
        let delete = format!(
            "DELETE FROM {table} WHERE id IN
                 (SELECT id FROM {table} WHERE {column} < ?1 ORDER BY {column} LIMIT ?2)"
        );
        sql::run(tx, &delete, (at, limit)).map(drop)
    };
    match what {
        Aged::Tokens => {
            delete("tokens", "revoked_at")?;
            delete("tokens", "expires_at")
        }
        Aged::Reports => delete("reports", "closed_at"),
        Aged::FailedJobs => delete("jobs", "failed_at"),
        Aged::Downloads => {
            let delete = "DELETE FROM download_days WHERE rowid IN
                (SELECT rowid FROM download_days WHERE day < ?1 ORDER BY day LIMIT ?2)";
            sql::run(tx, delete, (before.to_zoned(TimeZone::UTC).date().to_string(), limit)).map(drop)
        }
        other => Err(Failure::Corrupt(format!("no rows are known as {}", other.as_str()))),
    }
}
