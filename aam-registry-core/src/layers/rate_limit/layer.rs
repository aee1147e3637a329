use std::sync::Arc;

use tower::Layer;

use super::{RateLimit, proven::ProvenCredentials};
use crate::ports::{Authenticator, RateLimiter};

/// What identifies a client for a limit.
#[derive(Clone, Debug)]
pub(super) enum LimitBy {
    Address { authenticator: Arc<dyn Authenticator>, proven: Arc<ProvenCredentials> },
    Principal,
}

/// Takes one request from a [`RateLimiter`]; a refused one is answered 429. Every answer to a limited
/// request contains the state of the limit (`RateLimit-Limit`, `RateLimit-Remaining`,
/// `RateLimit-Reset`).
///
/// A request counts in the class of its route. On a route without a class, anonymous requests are not
/// limited; a request with a credential counts as [`Other`](crate::ports::RateClass::Other), because
/// checking a credential has a cost on every path.
///
/// If the limiter fails, the request is allowed: a limiter protects the registry, but grants no rights.
#[derive(Clone, Debug)]
pub struct RateLimitLayer {
    limiter: Arc<dyn RateLimiter>,
    by: LimitBy,
}

impl RateLimitLayer {
    /// Limits anonymous requests by address, and all requests of the class
    /// [`Auth`](crate::ports::RateClass::Auth).
    ///
    /// A credential that was not found valid within the last hour (`authenticator` distinguishes
    /// credentials) costs its address one request of the class
    /// [`Other`](crate::ports::RateClass::Other), counted separately from anonymous requests. The
    /// request is taken before the credential is checked, and given back if it is valid, so the number
    /// of lookups of bad credentials is limited.
    pub fn by_address(limiter: Arc<dyn RateLimiter>, authenticator: impl Authenticator) -> Self {
        let (authenticator, proven) = (Arc::new(authenticator), Arc::default());
        Self { limiter, by: LimitBy::Address { authenticator, proven } }
    }

    /// Limits authenticated requests by principal, whatever their addresses.
    pub fn by_principal(limiter: Arc<dyn RateLimiter>) -> Self {
        Self { limiter, by: LimitBy::Principal }
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit { inner, limiter: Arc::clone(&self.limiter), by: self.by.clone() }
    }
}
