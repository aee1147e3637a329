use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Response;
use tracing::{Instrument, Span};

use super::proven::{Fingerprint, ProvenCredentials};
use crate::{
    error::ErrorCode,
    http::{Caller, Failure},
    ports::{RateClass, RateLimiter},
    registry::give_back,
    types::ShortText,
};

/// What an address has paid for a credential before it was checked, if anything.
pub(crate) struct Deposit {
    pub(crate) limiter: Arc<dyn RateLimiter>,
    pub(crate) proven: Arc<ProvenCredentials>,
    pub(crate) credential: Option<Fingerprint>,
    /// `None` if the credential was valid recently and cost nothing.
    pub(crate) paid: Option<(RateClass, ShortText)>,
}

impl Deposit {
    /// Handles the end of the request; returns the future that gives the request back, if it has to be.
    pub(crate) fn settle<R>(self, result: &Result<Response<R>, Failure>) -> Option<BoxFuture<'static, ()>> {
        let is_good = match result {
            Ok(response) => response.extensions().get::<Caller>().is_some(),
            Err(failure) => failure.caller().is_some() && failure.code() != ErrorCode::Unauthorized,
        };
        let is_bad = matches!(result, Err(failure) if failure.code() == ErrorCode::Unauthorized);
        // A credential that could not be checked, for example during a database outage, counts as
        // neither good nor bad.
        if let Some(credential) = self.credential.filter(|_| is_good || is_bad) {
            self.proven.note(credential, is_good);
        }
        let (class, client) = self.paid.filter(|_| is_good)?;
        let limiter = self.limiter;
        let giving = async move { give_back(&*limiter, class, client.as_str()).await };
        Some(Box::pin(giving.instrument(Span::current())))
    }
}
