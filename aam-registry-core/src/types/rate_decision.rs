use std::time::Duration;

/// The decision of a rate limiter about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateDecision {
    /// Requests per period of the class.
    pub limit: u32,
    /// Requests that are available now.
    pub remaining: u32,
    /// The time until all requests are available again.
    pub reset: Duration,
    /// How long to wait, if this request was refused.
    pub retry_after: Option<Duration>,
}
