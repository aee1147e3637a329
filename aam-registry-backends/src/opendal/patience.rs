use std::time::Duration;

use opendal::{
    Operator,
    layers::{RetryEvent, RetryInterceptor, RetryLayer, TimeoutLayer},
};

/// How long an object store is waited for, and how often it is asked again.
///
/// Only what may pass is tried again: a broken connection, a time-out, and
/// the answers 429, 500, 502, 503 and 504. A read that breaks off is taken up
/// where it broke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// For a connection to come about; 3 s.
    pub connect: Duration,
    /// For an answer to begin, and for its next bytes; 5 s.
    pub read: Duration,
    /// For the same with all retries; 10 s.
    pub read_in_all: Duration,
    /// For one part of at most 8 MiB to be taken; 10 s.
    pub write: Duration,
    /// For the parts on their way, two at most, to be taken with all retries; 20 s.
    pub write_in_all: Duration,
    /// How often one call is tried again; 3 times.
    pub retries: usize,
    /// Before the first retry; doubled for every further one, and stretched
    /// at random by up to its own length; 100 ms.
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
    /// Sets how long a connection may take to come about.
    #[must_use]
    pub fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets how long an answer may take to begin and to go on, at one try and with all retries.
    #[must_use]
    pub fn with_read(mut self, one: Duration, in_all: Duration) -> Self {
        (self.read, self.read_in_all) = (one, in_all);
        self
    }

    /// Sets how long one part of at most 8 MiB may take to be taken, at one try and with all retries.
    #[must_use]
    pub fn with_write(mut self, one: Duration, in_all: Duration) -> Self {
        (self.write, self.write_in_all) = (one, in_all);
        self
    }

    /// Sets how often one call is tried again, and the shortest and the longest wait before it is.
    #[must_use]
    pub fn with_retries(mut self, retries: usize, first: Duration, last: Duration) -> Self {
        (self.retries, self.first_retry, self.last_retry) = (retries, first, last);
        self
    }

    /// Bounds a read that is tried once.
    pub(super) fn read_once(&self) -> TimeoutLayer {
        within(self.read)
    }

    /// Bounds each try of a read, and all together.
    pub(super) fn bound_reads(&self, operator: Operator) -> Operator {
        operator.layer(within(self.read)).layer(self.retry()).layer(within(self.read_in_all))
    }

    /// Bounds each try of a write, and all together.
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
                tracing::warn!(
                    event = "storage_retry",
                    operation = %event.op,
                    attempt = event.attempt,
                    error = event.err as &dyn std::error::Error,
                    "the archive storage failed and is asked again",
                );
            })
    }

    /// The waits between the tries of a call that OpenDAL does not make.
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
