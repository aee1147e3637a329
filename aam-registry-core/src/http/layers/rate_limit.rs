//! Limits how many requests a client may make.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::future::BoxFuture;
use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::{Instrument, Span};

use crate::{
    http::{
        Failure, MatchedRoute, RequestContext,
        layers::request_span,
        rate_limits::{self, Deposit, ProvenCredentials},
    },
    ports::{Authenticator, RateClass, RateLimiter},
    registry::{refuse_over_limit, take_request},
    types::{ClientAddress, Principal, RateDecision, ShortText, short_text},
};

/// What identifies a client for a limit.
#[derive(Clone, Debug)]
enum LimitBy {
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

/// The service of [`RateLimitLayer`].
#[derive(Clone, Debug)]
pub struct RateLimit<S> {
    inner: S,
    limiter: Arc<dyn RateLimiter>,
    by: LimitBy,
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
            return match passed(class, decision) {
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
                let key = |principal: &Principal| short_text(format_args!("user:{}", principal.user));
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
    short_text(format_args!("credentials:{}", client.limit_key().as_str()))
}

fn route(extensions: &Extensions) -> Option<&MatchedRoute> {
    RequestContext::of(extensions)?.route()
}

/// The decision, or an error if it refuses the request.
fn passed(class: RateClass, decision: Option<RateDecision>) -> Result<Option<RateDecision>, Failure> {
    decision.as_ref().map_or(Ok(()), |decision| refuse_over_limit(class, decision))?;
    Ok(decision)
}

/// A pending call of the limiter for one request.
struct Taking {
    class: RateClass,
    decision: BoxFuture<'static, Option<RateDecision>>,
}

impl Taking {
    fn new(limiter: Arc<dyn RateLimiter>, class: RateClass, client: ShortText, span: Span) -> Self {
        let take = async move { take_request(&*limiter, class, client.as_str()).await };
        Self { class, decision: Box::pin(take.instrument(span)) }
    }

    /// The decision; an error if the request is refused.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<RateDecision>, Failure>> {
        Poll::Ready(passed(self.class, ready!(self.decision.as_mut().poll(cx))))
    }
}

pin_project! {
    /// The future of [`RateLimit`].
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
    fn passed(calling: S::Future, decision: Option<RateDecision>, deposit: Option<Box<Deposit>>) -> Self {
        Self { state: State::Calling { calling }, decision, deposit }
    }

    fn over(failure: Failure) -> Self {
        Self { state: State::Over { failure: Some(failure) }, decision: None, deposit: None }
    }

    fn limited(taking: Taking, inner: S, request: Request<B>, deposit: Option<Box<Deposit>>) -> Self {
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
                        rate_limits::insert(headers, decision);
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
