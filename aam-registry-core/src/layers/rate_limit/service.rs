use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response, header};
use tower::Service;

use super::{
    LimitBy,
    future::{ResponseFuture, Taking},
    headers,
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
        let has_credential = request.headers().contains_key(header::AUTHORIZATION);
        let class = route(request.extensions()).and_then(MatchedRoute::rate_class);
        let key = class.and_then(|class| Some((class, self.key(class, request.extensions())?)));
        match key {
            None => ResponseFuture::unlimited(self.inner.call(request)),
            // Whom to count it for is known only when the credential has been checked.
            Some((class, key)) if self.by == LimitBy::Address && has_credential && class != RateClass::Auth => {
                let limiter = Arc::clone(&self.limiter);
                ResponseFuture::limited_if_refused(self.inner.call(request), limiter, class, key)
            }
            Some((class, key)) => {
                if let Poll::Ready(decision) = self.limiter.take_now(class, key.as_str()) {
                    return match headers::passed(class, decision) {
                        Ok(decision) => ResponseFuture::passed(self.inner.call(request), decision),
                        Err(failure) => ResponseFuture::over(failure),
                    };
                }
                let span = request_span(request.extensions());
                let taking = Taking::new(Arc::clone(&self.limiter), class, key, span);
                // The clone stays behind: the service that was polled ready is the one to call.
                let clone = self.inner.clone();
                ResponseFuture::limited(taking, std::mem::replace(&mut self.inner, clone), request)
            }
        }
    }
}

fn route(extensions: &Extensions) -> Option<&MatchedRoute> {
    RequestContext::of(extensions)?.route()
}

impl<S> RateLimit<S> {
    fn key(&self, class: RateClass, extensions: &Extensions) -> Option<ShortText> {
        match self.by {
            LimitBy::Address => RequestContext::of(extensions)?.client().map(ClientAddress::limit_key),
            // Logging in is limited by address and account; who is logged in already does not matter.
            LimitBy::Principal if class == RateClass::Auth => None,
            LimitBy::Principal => {
                let principal = extensions.get::<Principal>()?;
                Some(ShortText::of(format_args!("user:{}", principal.user)))
            }
        }
    }
}
