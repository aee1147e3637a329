use std::{mem, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::{
    FutureExt,
    future::{self, Either},
};
use tokio::time::{self, Instant};

use crate::error::{Error, Result};

/// How often a job that takes long is reported as overdue.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// How work beside the requests does: whether it fails, logged when that
/// changes, and when it was last done.
pub(super) struct Health {
    job: String,
    period: Duration,
    failing: bool,
    done: Instant,
}

impl Health {
    /// That of the job with this name, which is to be done once in each `period`.
    pub(super) fn of(job: &str, period: Duration) -> Self {
        let job = job.to_owned();
        // `rate` sees the first failure only if the counter was 0 before.
        metrics::counter!("aam_background_failures_total", "job" => job.clone()).increment(0);
        Self { job, period, failing: false, done: Instant::now() }
    }

    /// Waits for the job, and reports meanwhile how long it is overdue. A
    /// panic fails the job alone.
    pub(super) async fn watch<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
        loop {
            self.tell_lag();
            if let Either::Left((result, _)) = future::select(work.as_mut(), pin!(time::sleep(TELL_EVERY))).await {
                return result.unwrap_or_else(|_panic| Err(Error::internal(format!("{} panicked", self.job))));
            }
        }
    }

    /// For how long the job should have been done once more.
    fn tell_lag(&self) {
        let lag = self.done.elapsed().saturating_sub(self.period);
        metrics::gauge!("aam_background_job_lag_seconds", "job" => self.job.clone()).set(lag);
    }

    /// Notes how the job ended.
    pub(super) fn note(&mut self, result: Result<()>) {
        let job = self.job.clone();
        if result.is_ok() {
            self.done = Instant::now();
        }
        self.tell_lag();
        let was_failing = mem::replace(&mut self.failing, result.is_err());
        match result {
            Ok(()) if was_failing => {
                tracing::info!(event = "background_job_recovered", job, "background work goes on again");
            }
            Ok(()) => {}
            Err(error) => {
                metrics::counter!("aam_background_failures_total", "job" => job.clone()).increment(1);
                if !was_failing {
                    tracing::warn!(
                        event = "background_job_failed",
                        job,
                        error = &error as &dyn std::error::Error,
                        "background work failed and will be tried again",
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[tokio::test]
    async fn a_job_is_overdue_until_it_is_done() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let told = || {
            let text = metrics.render();
            let lag = text
                .lines()
                .find_map(|line| line.strip_prefix(r#"aam_background_job_lag_seconds{job="sequence_audit"} "#));
            Duration::from_secs_f64(lag.expect("told").parse().expect("a number"))
        };
        let mut health = Health::of("sequence_audit", Duration::from_millis(500));
        health.note(Ok(()));
        assert_eq!(told(), Duration::ZERO);
        health.done -= Duration::from_mins(1);
        assert!(health.watch(future::pending::<Result<()>>()).now_or_never().is_none(), "it hangs");
        assert!(told() >= Duration::from_secs(59), "{:?}", told());
        health.done -= Duration::from_mins(1);
        health.note(Err(Error::Overloaded));
        assert!(told() >= Duration::from_secs(119), "{:?}", told());
        health.note(Ok(()));
        assert_eq!(told(), Duration::ZERO);
    }
}
