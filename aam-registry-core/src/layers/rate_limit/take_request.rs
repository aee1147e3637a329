use std::error::Error as StdError;

use crate::ports::{RateClass, RateDecision, RateLimiter};

/// Takes one request of `class` by `client`. A limiter that fails limits
/// nobody: it protects, it grants no right.
pub(crate) async fn take_request(limiter: &dyn RateLimiter, class: RateClass, client: &str) -> Option<RateDecision> {
    limiter.take(class, client).await.unwrap_or_else(|error| {
        tracing::warn!(
            event = "rate_limiter_failed",
            class = class.as_str(),
            error = &error as &dyn StdError,
            "the rate limiter failed; the request goes on without a limit",
        );
        None
    })
}
