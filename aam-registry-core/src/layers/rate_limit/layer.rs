use std::sync::Arc;

use tower::Layer;

use super::RateLimit;
use crate::ports::RateLimiter;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitBy {
    /// Those of one address: requests without a credential, all of the class
    /// [`Auth`](crate::ports::RateClass::Auth), and those whose credential was refused.
    Address,
    /// Those of one user, whatever the address.
    Principal,
}

/// Takes one request of the route's class from a [`RateLimiter`]; a refused
/// one is answered 429. Every answer of a limited route says where the client
/// stands (`RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset`).
///
/// A limiter that fails limits nobody: it protects, it grants no right.
#[derive(Clone, Debug)]
pub struct RateLimitLayer {
    limiter: Arc<dyn RateLimiter>,
    by: LimitBy,
}

impl RateLimitLayer {
    /// Limits with `limiter`, by `by`.
    pub fn new(limiter: Arc<dyn RateLimiter>, by: LimitBy) -> Self {
        Self { limiter, by }
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit { inner, limiter: Arc::clone(&self.limiter), by: self.by }
    }
}
