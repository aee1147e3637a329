use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response};
use tower::Service;

use super::{
    future::{ResponseFuture, Taking},
    headers,
    layer::LimitBy,
    taken::Deposit,
};
use crate::{
    http::{Failure, MatchedRoute, RequestContext},
    layers::{ClientAddress, ShortText, request_span},
    ports::{RateClass, RateLimiter},
    types::Principal,
};

/// The service of [`RateLimitLayer`](super::RateLimitLayer).
#[derive(Clone, Debug)]
pub struct RateLimit<S> {
    pub(super) inner: S,
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) by: LimitBy,
}

/// What a request takes from the limiter, and what may be given back later.
#[derive(Default)]
struct Charge {
    taking: Option<(RateClass, ShortText)>,
    deposit: Option<Box<Deposit>>,
}

impl<S, B, R> Service<Request<B>> for RateLimit<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Failure> + Clone,
{
    type Response = Response<R>;
    type Error = Failure;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Charge { taking, deposit } = self.charge(&request);
        let Some((class, key)) = taking else {
            return ResponseFuture::passed(self.inner.call(request), None, deposit);
        };
        if let Poll::Ready(decision) = self.limiter.take_now(class, key.as_str()) {
            return match headers::passed(class, decision) {
                Ok(decision) => ResponseFuture::passed(self.inner.call(request), decision, deposit),
                Err(failure) => ResponseFuture::over(failure),
            };
        }
        let span = request_span(request.extensions());
        let taking = Taking::new(Arc::clone(&self.limiter), class, key, span);
        // Call the service that was polled ready, and keep the clone.
        let clone = self.inner.clone();
        ResponseFuture::limited(taking, std::mem::replace(&mut self.inner, clone), request, deposit)
    }
}

impl<S> RateLimit<S> {
    fn charge<B>(&self, request: &Request<B>) -> Charge {
        let extensions = request.extensions();
        let class = route(extensions).and_then(MatchedRoute::rate_class);
        match &self.by {
            // Logins are limited by address and account, whether or not the request has a credential.
            LimitBy::Principal if class == Some(RateClass::Auth) => Charge::default(),
            LimitBy::Principal => {
                let key = |principal: &Principal| ShortText::of(format_args!("user:{}", principal.user));
                let taking = extensions.get().map(|principal| (class.unwrap_or(RateClass::Other), key(principal)));
                Charge { taking, deposit: None }
            }
            LimitBy::Address { authenticator, proven } => {
                let client = RequestContext::of(extensions).and_then(RequestContext::client);
                let Some(client) = client else { return Charge::default() };
                let credential = authenticator.credential(request.headers(), extensions);
                let Some(credential) = credential.filter(|_| class != Some(RateClass::Auth)) else {
                    return Charge { taking: class.map(|class| (class, client.limit_key())), deposit: None };
                };
                let credential = proven.fingerprint(credential);
                let is_proven = credential.is_some_and(|credential| proven.contains(credential));
                let taking = (!is_proven).then(|| (RateClass::Other, credentials_key(client)));
                let (limiter, proven) = (Arc::clone(&self.limiter), Arc::clone(proven));
                Charge { taking, deposit: Some(Box::new(Deposit { limiter, proven, credential, paid: taking })) }
            }
        }
    }
}

/// The key for the bad credentials of an address. It differs from the key for anonymous requests, so
/// that an address that has used up this limit can still log in.
fn credentials_key(client: ClientAddress) -> ShortText {
    ShortText::of(format_args!("credentials:{}", client.limit_key().as_str()))
}

fn route(extensions: &Extensions) -> Option<&MatchedRoute> {
    RequestContext::of(extensions)?.route()
}
