//! Finds out whether a pooler stands between the registry and the server that gives every transaction
//! another session.

use std::time::Duration;

use aam_registry_core::Error;
use tokio::time;

use super::{
    connection::{Connector, Process, Session},
    failure::{Failure, Tx},
};

/// How long a second connection may take that only serves to find a pooler out.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Who answers on this session, and when its clock says that is.
const FACTS: &str = "SELECT a.pid, (extract(epoch FROM a.backend_start) * 1000000)::bigint,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    FROM pg_stat_get_activity(pg_backend_pid()) a";

/// The process that answers, and what its clock says, in microseconds since 1970.
pub(super) async fn facts(session: &Session) -> Tx<(Process, i64)> {
    let rows = session.ask(FACTS, &[]).await?;
    let row = rows.first().ok_or_else(|| Failure::Corrupt("a session without a process".into()))?;
    Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?))
}

/// Requires that a session has a process of the server to itself.
///
/// # Errors
/// That it is reached through a pooler that shares them out by transaction.
pub(super) async fn require_own(connector: &Connector, session: &Session) -> Tx<()> {
    let (process, _) = facts(session).await?;
    if session.is_of(process) && is_alone(connector, session).await? { Ok(()) } else { Err(pooler().into()) }
}

/// Whether two sessions that take turns keep a process each. A pooler that
/// shares them out by transaction hands both the one that is free.
pub(super) async fn is_alone(connector: &Connector, session: &Session) -> Tx<bool> {
    // Where there is no second connection to be had, nothing is found out.
    let Ok(Ok(other)) = time::timeout(PROBE_TIMEOUT, connector.connect()).await else { return Ok(true) };
    for _ in 0..2 {
        let Ok((others, _)) = facts(&other).await else { return Ok(true) };
        let (own, _) = facts(session).await?;
        if own == others || !other.is_of(others) || !session.is_of(own) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The error for a server that is reached through such a pooler.
pub(super) fn pooler() -> Error {
    Error::unfit(
        "it is reached through a pooler that gives every transaction another session (PgBouncer's pool_mode = \
         transaction or statement), which breaks prepared statements, settings, locks and notifications; connect to \
         PostgreSQL directly, or use pool_mode = session",
    )
}
