//! Taking requests from a limiter, and giving them back.

use std::error::Error as StdError;

use crate::{
    error::{Error, Result},
    ports::{RateClass, RateLimiter},
    types::RateDecision,
};

/// Takes one request of `class` by `client`. If the limiter fails, the request is allowed: a limiter
/// protects the registry, but grants no rights.
pub(crate) async fn take_request(limiter: &dyn RateLimiter, class: RateClass, client: &str) -> Option<RateDecision> {
    limiter.take(class, client).await.unwrap_or_else(|error| {
        tell(class, &error);
        None
    })
}

/// Gives back what was taken. If that fails, the request stays counted.
pub(crate) async fn give_back(limiter: &dyn RateLimiter, class: RateClass, client: &str) {
    if let Err(error) = limiter.give_back(class, client).await {
        tell(class, &error);
    }
}

/// Fails if `decision` refuses the request, and counts it as refused.
///
/// # Errors
/// [`Error::RateLimited`].
pub(crate) fn refuse_over_limit(class: RateClass, decision: &RateDecision) -> Result<()> {
    if decision.retry_after.is_none() {
        return Ok(());
    }
    metrics::counter!("aam_rate_limited_requests_total", "class" => class.as_str()).increment(1);
    Err(Error::RateLimited(*decision))
}

fn tell(class: RateClass, error: &Error) {
    tracing::warn!(
        event = "rate_limiter_failed",
        class = class.as_str(),
        error = error as &dyn StdError,
        "the rate limiter failed; the request is allowed without a limit",
    );
}
