//! Finds the route of a request.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::Request;
use tower::{Layer, Service};

use crate::http::{Matcher, RequestContext, RouteGroup, routes};

/// Adds the route of a request's path and method to its
/// [`RequestContext`](crate::http::RequestContext), if one matches.
/// [`ObserveLayer`](super::ObserveLayer) and
/// [`RateLimitLayer`](super::RateLimitLayer) use it.
///
/// ```
/// use aam_registry_core::{
///     http::{MatchedRoute, RequestContext, layers::MatchRouteLayer},
/// };
/// use http::Request;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::convert::Infallible> {
/// let service = ServiceBuilder::new().layer(MatchRouteLayer::new("/registry")).service(service_fn(
///     |request: Request<()>| async move {
///         let route = RequestContext::of(request.extensions()).and_then(RequestContext::route);
///         Ok::<_, std::convert::Infallible>(route.map(MatchedRoute::pattern))
///     },
/// ));
/// let request = Request::get("/registry/api/v1/packages/@my_org/style-guide").body(()).expect("a request");
/// assert_eq!(service.oneshot(request).await?, Some("/api/v1/packages/{package}"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MatchRouteLayer {
    matcher: Arc<Matcher>,
}

impl MatchRouteLayer {
    /// Matches paths below `prefix`, which is empty or a path such as `/registry`.
    pub fn new(prefix: &str) -> Self {
        Self::without(&[], prefix)
    }

    /// The same without the routes of these groups.
    pub fn without(groups: &[RouteGroup], prefix: &str) -> Self {
        Self { matcher: Arc::new(Matcher::new(routes(groups), prefix)) }
    }
}

impl<S> Layer<S> for MatchRouteLayer {
    type Service = MatchRoute<S>;

    fn layer(&self, inner: S) -> MatchRoute<S> {
        MatchRoute { inner, matcher: Arc::clone(&self.matcher) }
    }
}

/// The service of [`MatchRouteLayer`].
#[derive(Clone, Debug)]
pub struct MatchRoute<S> {
    inner: S,
    matcher: Arc<Matcher>,
}

impl<S, B> Service<Request<B>> for MatchRoute<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(matched) = self.matcher.find(request.method(), request.uri().path()) {
            RequestContext::of_mut(request.extensions_mut()).set_route(matched);
        }
        self.inner.call(request)
    }
}
