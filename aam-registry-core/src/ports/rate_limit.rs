use std::{fmt::Debug, task::Poll, time::Duration};

use async_trait::async_trait;

use crate::error::Result;

/// The classes of requests that are limited apart from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// Search and listing.
    Search,
    /// Downloads of archives.
    Download,
    /// Reading inside archives: comparing two, taking one file out.
    Contents,
    /// Publishing.
    Publish,
    /// Registrations and failed logins.
    Auth,
    /// Failed logins of an address for an account that are forgiven it: until
    /// it has had them, the address may try the account whatever others do.
    ForgivenLogin,
    /// Everything else under `/api`.
    Other,
}

impl RateClass {
    /// Every class.
    pub const ALL: [Self; 7] =
        [Self::Search, Self::Download, Self::Contents, Self::Publish, Self::Auth, Self::ForgivenLogin, Self::Other];

    /// The class as text, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Download => "download",
            Self::Contents => "contents",
            Self::Publish => "publish",
            Self::Auth => "auth",
            Self::ForgivenLogin => "forgiven_login",
            Self::Other => "other",
        }
    }

    /// The time that a limit of the class is for: a day for
    /// [`ForgivenLogin`](Self::ForgivenLogin), a minute for the others.
    pub fn period(self) -> Duration {
        match self {
            Self::ForgivenLogin => Duration::from_hours(24),
            _ => Duration::from_mins(1),
        }
    }
}

/// Limits how often a client may do what.
#[async_trait]
pub trait RateLimiter: Debug + Send + Sync + 'static {
    /// Takes one request of `class` by `client` (an address, a user, an
    /// account to log in to). `None` where the class is not limited.
    async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>>;

    /// The same at once, for a limiter that waits for nobody; `Pending`, with
    /// nothing taken, where [`take`](Self::take) has to be asked.
    fn take_now(&self, class: RateClass, client: &str) -> Poll<Option<RateDecision>> {
        let _ = (class, client);
        Poll::Pending
    }

    /// Gives back one request that was taken, since it turned out not to
    /// count. Nothing happens where none is taken.
    async fn give_back(&self, class: RateClass, client: &str) -> Result<()>;

    /// Whether the limiter's store answers; for health checks.
    async fn check(&self) -> Result<()>;
}

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateDecision {
    /// Requests in the [period](RateClass::period) of the class.
    pub limit: u32,
    /// Requests left at once.
    pub remaining: u32,
    /// How long until all are left again.
    pub reset: Duration,
    /// How long to wait, where this request was refused.
    pub retry_after: Option<Duration>,
}
