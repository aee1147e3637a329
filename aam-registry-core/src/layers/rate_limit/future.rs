use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;
use tracing::{Instrument, Span};

use super::{headers, take_request, taken::Deposit};
use crate::{
    http::Failure,
    layers::ShortText,
    ports::{RateClass, RateDecision, RateLimiter},
};

/// A pending call of the limiter for one request.
pub(super) struct Taking {
    class: RateClass,
    decision: BoxFuture<'static, Option<RateDecision>>,
}

impl Taking {
    pub(super) fn new(limiter: Arc<dyn RateLimiter>, class: RateClass, client: ShortText, span: Span) -> Self {
        let take = async move { take_request(&*limiter, class, client.as_str()).await };
        Self { class, decision: Box::pin(take.instrument(span)) }
    }

    /// The decision; an error if the request is refused.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<RateDecision>, Failure>> {
        Poll::Ready(headers::passed(self.class, ready!(self.decision.as_mut().poll(cx))))
    }
}

pin_project! {
    /// The future of [`RateLimit`](super::RateLimit).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
        decision: Option<RateDecision>,
        // Boxed, so that the future is small for requests without a credential, which have none.
        deposit: Option<Box<Deposit>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Taking {
            taking: Taking,
            // Boxed for the same reason.
            next: Option<Box<(S, Request<B>)>>,
        },
        Calling {
            #[pin]
            calling: S::Future,
        },
        GivingBack {
            giving: BoxFuture<'static, ()>,
            result: Option<Result<S::Response, S::Error>>,
        },
        Over {
            failure: Option<Failure>,
        },
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn passed(calling: S::Future, decision: Option<RateDecision>, deposit: Option<Box<Deposit>>) -> Self {
        Self { state: State::Calling { calling }, decision, deposit }
    }

    pub(super) fn over(failure: Failure) -> Self {
        Self { state: State::Over { failure: Some(failure) }, decision: None, deposit: None }
    }

    pub(super) fn limited(taking: Taking, inner: S, request: Request<B>, deposit: Option<Box<Deposit>>) -> Self {
        let state = State::Taking { taking, next: Some(Box::new((inner, request))) };
        Self { state, decision: None, deposit }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>, Error = Failure>,
{
    type Output = Result<Response<R>, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Taking { taking, next } => {
                    *this.decision = ready!(taking.poll(cx))?;
                    let (mut inner, request) = *next.take().expect("polled after completion");
                    let calling = inner.call(request);
                    this.state.set(State::Calling { calling });
                }
                StateProjection::Calling { calling } => {
                    let mut result = ready!(calling.poll(cx));
                    if let Some(decision) = this.decision {
                        let headers = match &mut result {
                            Ok(response) => response.headers_mut(),
                            Err(failure) => failure.headers_mut(),
                        };
                        headers::insert(headers, decision);
                    }
                    let giving = this.deposit.take().and_then(|deposit| deposit.settle(&result));
                    let Some(giving) = giving else { return Poll::Ready(result) };
                    this.state.set(State::GivingBack { giving, result: Some(result) });
                }
                StateProjection::GivingBack { giving, result } => {
                    ready!(giving.as_mut().poll(cx));
                    return Poll::Ready(result.take().expect("polled after completion"));
                }
                StateProjection::Over { failure } => {
                    return Poll::Ready(Err(failure.take().expect("polled after completion")));
                }
            }
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("decision", &self.decision).finish_non_exhaustive()
    }
}
