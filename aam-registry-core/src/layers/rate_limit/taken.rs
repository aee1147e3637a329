use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Response;
use tracing::{Instrument, Span};

use super::{
    give_back,
    proven::{Fingerprint, ProvenCredentials},
};
use crate::{
    error::ErrorCode,
    http::{Caller, Failure},
    layers::ShortText,
    ports::{RateClass, RateLimiter},
};

/// What an address paid for a credential before that was looked at, if anything.
pub(super) struct Deposit {
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) proven: Arc<ProvenCredentials>,
    pub(super) credential: Option<Fingerprint>,
    /// `None` where the credential was good lately, and cost nothing.
    pub(super) paid: Option<(RateClass, ShortText)>,
}

impl Deposit {
    /// Notes how the request ended; gives the work of paying back, where there is any.
    pub(super) fn settle<R>(self, result: &Result<Response<R>, Failure>) -> Option<BoxFuture<'static, ()>> {
        let is_good = match result {
            Ok(response) => response.extensions().get::<Caller>().is_some(),
            Err(failure) => failure.caller().is_some() && failure.code() != ErrorCode::Unauthorized,
        };
        let is_bad = matches!(result, Err(failure) if failure.code() == ErrorCode::Unauthorized);
        // Neither is what could not be judged, such as while the database is out.
        if let Some(credential) = self.credential.filter(|_| is_good || is_bad) {
            self.proven.note(credential, is_good);
        }
        let (class, client) = self.paid.filter(|_| is_good)?;
        let limiter = self.limiter;
        let giving = async move { give_back(&*limiter, class, client.as_str()).await };
        Some(Box::pin(giving.instrument(Span::current())))
    }
}
