use std::time::Duration;

use opendal::{
    Operator,
    layers::{RetryEvent, RetryInterceptor, RetryLayer, TimeoutLayer},
};

/// The time-outs and retries for an object store.
///
/// Only temporary failures are retried: a broken connection, a time-out, and the statuses 429, 500,
/// 502, 503 and 504. A read that is interrupted resumes where it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// To establish a connection; 3 s.
    pub connect: Duration,
    /// For an answer to begin, and for each of its chunks; 5 s.
    pub read: Duration,
    /// The same including all retries; 10 s.
    pub read_in_all: Duration,
    /// For the store to accept one part of at most 8 MiB; 10 s.
    pub write: Duration,
    /// For the store to accept the parts being sent, at most two, including all retries; 20 s.
    pub write_in_all: Duration,
    /// How often one call is retried; 3 times.
    pub retries: usize,
    /// The wait before the first retry; doubled for every further one, and lengthened by a random time
    /// of up to its own length; 100 ms.
    pub first_retry: Duration,
    /// The longest wait before a retry; 3 s.
    pub last_retry: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            read: Duration::from_secs(5),
            read_in_all: Duration::from_secs(10),
            write: Duration::from_secs(10),
            write_in_all: Duration::from_secs(20),
            retries: 3,
            first_retry: Duration::from_millis(100),
            last_retry: Duration::from_secs(3),
        }
    }
}

impl Patience {
    /// Sets the time-out for establishing a connection.
    #[must_use]
    pub fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets the time-out for an answer to begin and for each chunk, for one try and including all
    /// retries.
    #[must_use]
    pub fn with_read(mut self, one: Duration, in_all: Duration) -> Self {
        (self.read, self.read_in_all) = (one, in_all);
        self
    }

    /// Sets the time-out for the store to accept one part of at most 8 MiB, for one try and including
    /// all retries.
    #[must_use]
    pub fn with_write(mut self, one: Duration, in_all: Duration) -> Self {
        (self.write, self.write_in_all) = (one, in_all);
        self
    }

    /// Sets how often one call is retried, and the shortest and the longest wait before a retry.
    #[must_use]
    pub fn with_retries(mut self, retries: usize, first: Duration, last: Duration) -> Self {
        (self.retries, self.first_retry, self.last_retry) = (retries, first, last);
        self
    }

    /// Limits a read without retries.
    pub(super) fn read_once(&self) -> TimeoutLayer {
        within(self.read)
    }

    /// Limits each try of a read, and all tries together.
    pub(super) fn bound_reads(&self, operator: Operator) -> Operator {
        operator.layer(within(self.read)).layer(self.retry()).layer(within(self.read_in_all))
    }

    /// Limits each try of a write, and all tries together.
    pub(super) fn bound_writes(&self, operator: Operator) -> Operator {
        operator.layer(within(self.write)).layer(self.retry()).layer(within(self.write_in_all))
    }

    fn retry(&self) -> RetryLayer<impl RetryInterceptor> {
        RetryLayer::new()
            .with_max_times(self.retries)
            .with_min_delay(self.first_retry)
            .with_max_delay(self.last_retry)
            .with_factor(2.0)
            .with_jitter()
            .with_notify(|event: RetryEvent<'_>| {
                metrics::counter!("aam_storage_retries_total").increment(1);
                // A call that fails in the end is told by its caller.
                tracing::debug!(
                    event = "storage_retry",
                    operation = %event.op,
                    attempt = event.attempt,
                    error = event.err as &dyn std::error::Error,
                    "the archive storage failed; trying again",
                );
            })
    }

    /// The waits between the tries of a call that is not made through OpenDAL.
    #[cfg(feature = "s3")]
    pub(super) fn backoff(&self) -> backon::ExponentialBuilder {
        backon::ExponentialBuilder::default()
            .with_max_times(self.retries)
            .with_min_delay(self.first_retry)
            .with_max_delay(self.last_retry)
            .with_factor(2.0)
            .with_jitter()
    }
}

fn within(time: Duration) -> TimeoutLayer {
    TimeoutLayer::new().with_timeout(time).with_io_timeout(time)
}
