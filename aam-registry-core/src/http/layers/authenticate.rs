//! Identifies who makes a request.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::future::BoxFuture;
use http::{Request, Response, request::Parts};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::Instrument;

use crate::{
    error::Result,
    http::{Caller, Failure, layers::request_span},
    ports::Authenticator,
    types::Principal,
};

/// Adds a request's [`Principal`](crate::types::Principal) to its extensions, as an [`Authenticator`]
/// identifies it.
///
/// A request that the authenticator does not recognize is anonymous. One with a bad credential is
/// refused with 401, even if the route needs no credential. The answer has the
/// [`Caller`](crate::http::Caller) as an extension.
///
/// ```
/// use aam_registry_core::{
///     http::{BearerAuthenticator, Failure, layers::AuthenticateLayer},
///     memory,
///     types::Principal,
/// };
/// use http::{Request, Response, header};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bearers = BearerAuthenticator::new(memory::registry().build()?);
/// let service = ServiceBuilder::new().layer(AuthenticateLayer::new(bearers)).service(service_fn(
///     |request: Request<()>| async move {
///         Ok::<_, Failure>(Response::new(request.extensions().get::<Principal>().is_some()))
///     },
/// ));
/// let anonymous = service.clone().oneshot(Request::new(())).await?;
/// assert!(!anonymous.into_body());
/// let forged = Request::builder().header(header::AUTHORIZATION, "Bearer forged").body(())?;
/// assert!(service.oneshot(forged).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthenticateLayer {
    authenticator: Arc<dyn Authenticator>,
}

impl AuthenticateLayer {
    /// Uses `authenticator` to identify callers.
    pub fn new(authenticator: impl Authenticator) -> Self {
        Self { authenticator: Arc::new(authenticator) }
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate { inner, authenticator: Arc::clone(&self.authenticator) }
    }
}

/// The service of [`AuthenticateLayer`].
#[derive(Clone, Debug)]
pub struct Authenticate<S> {
    inner: S,
    authenticator: Arc<dyn Authenticator>,
}

impl<S, B, R> Service<Request<B>> for Authenticate<S>
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
        if self.authenticator.credential(request.headers(), request.extensions()).is_none() {
            return ResponseFuture::anonymous(self.inner.call(request));
        }
        let span = request_span(request.extensions());
        let authenticator = Arc::clone(&self.authenticator);
        let (head, body) = request.into_parts();
        let checking = async move {
            let principal = authenticator.authenticate(&head).await?;
            Ok((head, principal))
        };
        // Call the service that was polled ready, and keep the clone.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::checking(Box::pin(checking.instrument(span)), inner, body)
    }
}

/// The head of the request, and its principal.
type Checking = BoxFuture<'static, Result<(Parts, Principal)>>;

pin_project! {
    /// The future of [`Authenticate`].
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
    fn anonymous(calling: S::Future) -> Self {
        Self { state: State::Calling { calling }, caller: None }
    }

    fn checking(checking: Checking, inner: S, body: B) -> Self {
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
