use std::{fmt::Debug, task::Poll, time::Duration};

use async_trait::async_trait;

use crate::{error::Result, types::RateDecision};

/// The classes of requests, each with a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// Search and listing.
    Search,
    /// Downloads of archives.
    Download,
    /// Reads inside archives: comparing two of them, extracting a file.
    Contents,
    /// Publishing.
    Publish,
    /// Registrations and failed logins.
    Auth,
    /// Failed logins of an address for an account that are forgiven: an address with fewer than these
    /// may try to log in to the account even if other addresses have used up the limit of the account.
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

    /// The period of the class's limit: a day for [`ForgivenLogin`](Self::ForgivenLogin), a minute for
    /// the others.
    pub fn period(self) -> Duration {
        match self {
            Self::ForgivenLogin => Duration::from_hours(24),
            _ => Duration::from_mins(1),
        }
    }
}

/// Limits how many requests a client may make.
#[async_trait]
pub trait RateLimiter: Debug + Send + Sync + 'static {
    /// Takes one request of `class` by `client` (an address, a user, or an account to log in to).
    /// `None` if the class is not limited.
    async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>>;

    /// The same without waiting, for a limiter that decides immediately; otherwise `Pending`, with
    /// nothing taken: then call [`take`](Self::take).
    fn take_now(&self, class: RateClass, client: &str) -> Poll<Option<RateDecision>> {
        let _ = (class, client);
        Poll::Pending
    }

    /// Gives back one request that was taken and turned out not to count. Does nothing if none is
    /// taken.
    async fn give_back(&self, class: RateClass, client: &str) -> Result<()>;

    /// Whether the limiter's store answers; for health checks.
    async fn check(&self) -> Result<()>;
}
