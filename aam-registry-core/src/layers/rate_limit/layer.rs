use std::sync::Arc;

use tower::Layer;

use super::{RateLimit, proven::ProvenCredentials};
use crate::ports::{Authenticator, RateLimiter};

/// Whose requests are counted together.
#[derive(Clone, Debug)]
pub(super) enum LimitBy {
    Address { authenticator: Arc<dyn Authenticator>, proven: Arc<ProvenCredentials> },
    Principal,
}

/// Takes one request from a [`RateLimiter`]; a refused one is answered 429.
/// Every answer of a limited request says where the client stands
/// (`RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset`).
///
/// A request counts in the class of its route. A route without a class limits
/// nobody who comes without a credential; to check one costs something on every
/// path, so a request with a credential counts as
/// [`Other`](crate::ports::RateClass::Other) there.
///
/// A limiter that fails limits nobody: it protects, it grants no right.
#[derive(Clone, Debug)]
pub struct RateLimitLayer {
    limiter: Arc<dyn RateLimiter>,
    by: LimitBy,
}

impl RateLimitLayer {
    /// Limits by address what comes without a credential, and all of the class
    /// [`Auth`](crate::ports::RateClass::Auth).
    ///
    /// A credential that was not good within the last hour, as `authenticator`
    /// tells them apart, costs its address one request of the class
    /// [`Other`](crate::ports::RateClass::Other), apart from those without a
    /// credential. It is taken before the credential is looked at and given
    /// back when that was good, so that bad ones cost no more lookups than that
    /// limit allows.
    pub fn by_address(limiter: Arc<dyn RateLimiter>, authenticator: impl Authenticator) -> Self {
        let (authenticator, proven) = (Arc::new(authenticator), Arc::default());
        Self { limiter, by: LimitBy::Address { authenticator, proven } }
    }

    /// Limits those who are known, each wherever its requests come from.
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
