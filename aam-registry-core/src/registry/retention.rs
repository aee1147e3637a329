//! How long rows are kept that would pile up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Registry;
use crate::{
    decide::DropAged,
    error::Result,
    ports::{CommandHandlerExt, OldestAged, QueryHandlerExt},
    types::{Aged, NewJob},
};

const SECONDS_A_DAY: i64 = 86_400;
/// How many rows one transaction deletes: few enough that nobody waits for it.
const AT_ONCE: usize = 1_000;
/// How many transactions one attempt at a job makes before the next job goes on.
const AT_A_RUN: usize = 20;

impl Registry {
    /// From when on rows are kept that are kept for `retention`: the beginning of a UTC day, so that all replicas
    /// name the same instant.
    pub(crate) fn kept_from(&self, retention: Option<Duration>) -> Option<Timestamp> {
        let retention = SignedDuration::try_from(retention?).ok()?;
        let since = self.now().checked_sub(retention).ok()?;
        Timestamp::from_second(since.as_second().div_euclid(SECONDS_A_DAY) * SECONDS_A_DAY).ok()
    }

    /// How much older than they are kept rows are, and the job that deletes them; zero and none where there are no
    /// such rows.
    pub(crate) async fn overdue(&self, what: Aged) -> Result<(Duration, Option<NewJob>)> {
        let Some(before) = self.kept_from(self.policy().retention.of(what)) else { return Ok((Duration::ZERO, None)) };
        let oldest = self.inner().queries.ask(OldestAged(what)).await?;
        let lag = oldest.map_or(SignedDuration::ZERO, |oldest| before.duration_since(oldest));
        let lag = Duration::try_from(lag).unwrap_or_default();
        Ok((lag, (lag > Duration::ZERO).then(|| NewJob::drop_aged(what, before, 0))))
    }

    /// How much older than it is kept the oldest entry of the audit log is.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub(crate) async fn audit_overdue(&self) -> Result<Duration> {
        let Some(before) = self.kept_from(self.policy().audit_retention) else { return Ok(Duration::ZERO) };
        let audit = &self.inner().audit;
        if audit.last_before(before).await?.is_none() {
            return Ok(Duration::ZERO);
        }
        let oldest = audit.entries_after(self.pruned_position().await?, 1).await?;
        let lag = oldest.first().map_or(SignedDuration::ZERO, |entry| before.duration_since(entry.entry.timestamp));
        Ok(Duration::try_from(lag).unwrap_or_default())
    }

    /// Deletes a part of the rows of that kind that are no longer kept: as many as take a few seconds. Gives whether
    /// there may be more.
    pub(crate) async fn drop_aged(&self, what: Aged) -> Result<bool> {
        let Some(before) = self.kept_from(self.policy().retention.of(what)) else { return Ok(false) };
        for _ in 0..AT_A_RUN {
            if !self.inner().commands.execute(&DropAged { what, before, limit: AT_ONCE }).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
