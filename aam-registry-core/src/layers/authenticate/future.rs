use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::future::BoxFuture;
use http::{Request, Response, request::Parts};
use pin_project_lite::pin_project;
use tower::Service;

use crate::{
    error::Result,
    http::{Caller, Failure},
    types::Principal,
};

/// The head of the request, and its principal.
type Checking = BoxFuture<'static, Result<(Parts, Principal)>>;

pin_project! {
    /// The future of [`Authenticate`](super::Authenticate).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
        caller: Option<Box<Caller>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Checking {
            checking: Checking,
            // Boxed, so that the future is small for requests without a credential.
            next: Option<Box<(S, B)>>,
        },
        Calling {
            #[pin]
            calling: S::Future,
        },
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn anonymous(calling: S::Future) -> Self {
        Self { state: State::Calling { calling }, caller: None }
    }

    pub(super) fn checking(checking: Checking, inner: S, body: B) -> Self {
        Self { state: State::Checking { checking, next: Some(Box::new((inner, body))) }, caller: None }
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
                StateProjection::Checking { checking, next } => {
                    let (head, principal) = ready!(checking.as_mut().poll(cx))?;
                    let (mut inner, body) = *next.take().expect("polled after completion");
                    let mut request = Request::from_parts(head, body);
                    let caller = Caller { user: principal.user, username: principal.username.clone() };
                    *this.caller = Some(Box::new(caller));
                    request.extensions_mut().insert(principal);
                    let calling = inner.call(request);
                    this.state.set(State::Calling { calling });
                }
                StateProjection::Calling { calling } => {
                    let result = ready!(calling.poll(cx));
                    let Some(caller) = this.caller.take() else { return Poll::Ready(result) };
                    return Poll::Ready(match result {
                        Ok(mut response) => {
                            response.extensions_mut().insert(*caller);
                            Ok(response)
                        }
                        Err(failure) => Err(failure.with_caller(*caller)),
                    });
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
        f.debug_struct("ResponseFuture").field("caller", &self.caller).finish_non_exhaustive()
    }
}
