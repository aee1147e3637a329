use aam_registry_core::types::Aged;
use jiff::{Timestamp, tz::TimeZone};

use super::{
    connection::Session,
    failure::{Failure, Tx},
    sql,
};
use crate::relational::columns;

const OLDEST_REVOKED: &str = "SELECT min(revoked_at) FROM tokens WHERE revoked_at IS NOT NULL";
const OLDEST_EXPIRED: &str = "SELECT min(expires_at) FROM tokens WHERE expires_at IS NOT NULL";
const OLDEST_CLOSED: &str = "SELECT min(closed_at) FROM reports WHERE closed_at IS NOT NULL";
const OLDEST_FAILED: &str = "SELECT min(failed_at) FROM jobs WHERE failed_at IS NOT NULL";
/// The begin of a day in UTC, in microseconds since 1970.
const OLDEST_DAY: &str = "SELECT (min(day) - DATE '1970-01-01')::bigint * 86400000000 FROM download_days";

macro_rules! drop_oldest {
    ($table:literal, $column:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE id IN (SELECT id FROM ",
            $table,
            " WHERE ",
            $column,
            " < $1 ORDER BY ",
            $column,
            " LIMIT $2 FOR UPDATE SKIP LOCKED)"
        )
    };
}
const DROP_REVOKED: &str = drop_oldest!("tokens", "revoked_at");
const DROP_EXPIRED: &str = drop_oldest!("tokens", "expires_at");
const DROP_CLOSED: &str = drop_oldest!("reports", "closed_at");
const DROP_FAILED: &str = drop_oldest!("jobs", "failed_at");
const DROP_DAYS: &str = "DELETE FROM download_days d USING (
        SELECT version_id, day FROM download_days WHERE day < DATE '1970-01-01' + $1::int
        ORDER BY day, version_id LIMIT $2 FOR UPDATE SKIP LOCKED
    ) old WHERE d.version_id = old.version_id AND d.day = old.day";

/// The statements that delete such rows.
pub(super) fn statements(what: Aged) -> &'static [&'static str] {
    match what {
        Aged::Tokens => &[DROP_REVOKED, DROP_EXPIRED],
        Aged::Reports => &[DROP_CLOSED],
        Aged::FailedJobs => &[DROP_FAILED],
        Aged::Downloads => &[DROP_DAYS],
        _ => &[],
    }
}

/// Since when the oldest of these rows ages.
pub(super) async fn oldest(tx: &Session, what: Aged) -> Tx<Option<Timestamp>> {
    let queries: &[&'static str] = match what {
        Aged::Tokens => &[OLDEST_REVOKED, OLDEST_EXPIRED],
        Aged::Reports => &[OLDEST_CLOSED],
        Aged::FailedJobs => &[OLDEST_FAILED],
        Aged::Downloads => &[OLDEST_DAY],
        other => return Err(unknown(other)),
    };
    let mut oldest: Option<Timestamp> = None;
    for query in queries {
        let found = sql::first(tx, query, [], |row| sql::optional_instant(row, 0)).await?.flatten();
        oldest = [oldest, found].into_iter().flatten().min();
    }
    Ok(oldest)
}

/// Deletes the oldest of these rows that have aged since before that.
pub(super) async fn drop_oldest(tx: &Session, what: Aged, before: Timestamp, limit: usize) -> Tx<()> {
    let (at, limit) = (before.as_microsecond(), columns::limit(limit));
    let day = sql::day_number(before.to_zoned(TimeZone::UTC).date());
    for statement in statements(what) {
        if what == Aged::Downloads {
            sql::run(tx, statement, [&day, &limit]).await?;
        } else {
            sql::run(tx, statement, [&at, &limit]).await?;
        }
    }
    Ok(())
}

fn unknown(what: Aged) -> Failure {
    Failure::Corrupt(format!("no rows are known as {}", what.as_str()))
}
