use std::time::Duration;

/// Rows of the database that would pile up for ever, and are deleted some time after they are of use. Entries of the
/// audit log, which is a chain, are pruned apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Aged {
    /// How often each version was downloaded on a day. The totals stay.
    Downloads,
    /// API tokens that were revoked or have expired.
    Tokens,
    /// Reports that were closed.
    Reports,
    /// Queued jobs that were given up.
    FailedJobs,
}

impl Aged {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Downloads, Self::Tokens, Self::Reports, Self::FailedJobs];

    /// The name in metrics, logs and jobs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Downloads => "downloads",
            Self::Tokens => "tokens",
            Self::Reports => "reports",
            Self::FailedJobs => "failed_jobs",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aged| aged.as_str() == text)
    }
}

/// For how long rows that would pile up are kept; `None` for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Downloads by version and day, from that day on.
    pub downloads: Option<Duration>,
    /// API tokens, from their revocation or their end on.
    pub tokens: Option<Duration>,
    /// Reports, from their closure on.
    pub reports: Option<Duration>,
    /// Jobs, from when they were given up on.
    pub failed_jobs: Option<Duration>,
}

impl Default for Retention {
    /// Two years of downloads, a year of reports, 90 days of the rest.
    fn default() -> Self {
        let days = |days: u64| Some(Duration::from_hours(24 * days));
        Self { downloads: days(730), tokens: days(90), reports: days(365), failed_jobs: days(90) }
    }
}

impl Retention {
    /// For how long these are kept.
    pub const fn of(&self, aged: Aged) -> Option<Duration> {
        match aged {
            Aged::Downloads => self.downloads,
            Aged::Tokens => self.tokens,
            Aged::Reports => self.reports,
            Aged::FailedJobs => self.failed_jobs,
        }
    }
}
