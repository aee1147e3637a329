//! When a call starts again.

use std::time::Duration;

use aam_registry_core::{Result, error::Outcome};
use tokio::time;

use super::failure::{Failure, FaultKind};

/// How often a call starts at most: a call may find several connections one after the other that were lost together.
const MOST: u32 = 8;

/// How long the first pause is at most; each further one may be twice as long, up to 32 times.
const PAUSE: Duration = Duration::from_millis(10);

/// Counts no retry so far for every reason there is: a rate tells of the first one only where the count was 0 before.
pub(super) fn begin_at_zero() {
    for kind in FaultKind::PASSING {
        metrics::counter!("aam_database_retries_total", "reason" => kind.as_str()).increment(0);
    }
}

/// The attempts of one call.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failed: u32,
    /// Whether one of them may have done what was asked.
    unknown: bool,
}

impl Attempts {
    /// Returns when to start again; fails where that would not help or harm.
    pub(super) async fn again(&mut self, failure: Failure, outcome: Outcome) -> Result<()> {
        self.failed += 1;
        let kind = failure.fault().filter(|_| outcome == Outcome::NotApplied && self.failed < MOST);
        // Whoever waited for a silent server has no time left to wait for it again.
        let Some(kind) = kind.filter(|kind| FaultKind::PASSING.contains(kind)) else {
            let outcome = if self.unknown { Outcome::Unknown } else { outcome };
            return Err(failure.into_error(outcome));
        };
        tracing::debug!(event = "database_retry", reason = kind.as_str(), ?failure, "a transaction starts again");
        metrics::counter!("aam_database_retries_total", "reason" => kind.as_str()).increment(1);
        // Who lost a race or a connection has nobody to keep out of the way of.
        if self.failed > 1 || matches!(kind, FaultKind::Conflict | FaultKind::Deadlock) {
            let most = PAUSE * 2_u32.pow(self.failed.min(5));
            time::sleep(most.mul_f64(rand::random_range(0.5..1.0))).await;
        }
        Ok(())
    }

    /// As [`again`](Self::again), for what may be done twice.
    pub(super) async fn repeat(&mut self, failure: Failure) -> Result<()> {
        self.unknown |= matches!(failure.fault(), Some(FaultKind::Lost | FaultKind::Silent));
        self.again(failure, Outcome::NotApplied).await
    }
}
