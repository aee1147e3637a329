use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{BoxFuture, Either, FutureExt, ready};
use http::{Request, Response};
use tower::Service;
use tracing::Instrument;

use super::{
    body::{RegistryBody, RequestBody},
    call::Call,
    context::RequestContext,
    edge::Edge,
    failure::Failure,
    routing::{Kind, MatchedRoute},
};
use crate::{ports::SPANS, registry::Registry};

/// Passes a request to its endpoint: the innermost service of a stack.
///
/// The route has to be in the [`RequestContext`], and the caller, if authenticated, as the
/// [`Principal`](crate::types::Principal) in the extensions.
#[derive(Clone, Debug)]
pub struct Dispatch {
    pub(crate) registry: Registry,
    pub(crate) edge: Arc<Edge>,
}

impl Service<Request<RequestBody>> for Dispatch {
    type Response = Response<RegistryBody>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Response<RegistryBody>, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let context: Option<RequestContext> = parts.extensions.remove();
        let client = context.as_ref().and_then(RequestContext::client);
        let Some(matched) = context.and_then(RequestContext::into_route) else {
            return ready(Err(self.edge.no_such_path())).boxed();
        };
        let Some(route) = matched.route() else {
            return ready(Err(Failure::method_not_allowed(matched.allow()))).boxed();
        };
        let call = Call::new(self.registry.clone(), Arc::clone(&self.edge), matched.into_params(), client, parts);
        if let Err(failure) = call.admit(route.access) {
            return ready(Err(failure)).boxed();
        }
        let span = tracing::trace_span!(target: SPANS, "use_case", otel.name = route.id);
        let handler = route.handler;
        let answered = if !route.works_read_only {
            let answered = async move {
                call.registry.require_writable().await?;
                handler(call, body).await
            };
            answered.boxed()
        } else if route.takes_turn() {
            let answered = async move {
                let _turn = call.registry.reading_turn(call.client_network().as_ref()).await;
                handler(call, body).await
            };
            answered.boxed()
        } else {
            handler(call, body)
        };
        if span.is_disabled() { answered } else { answered.instrument(span).boxed() }
    }
}

/// Passes requests for documents to one service and transfers of archives to another.
#[derive(Clone, Debug)]
pub(crate) struct ByKind<D, T> {
    pub(crate) documents: D,
    pub(crate) transfers: T,
}

impl<D, T, B> Service<Request<B>> for ByKind<D, T>
where
    D: Service<Request<B>>,
    T: Service<Request<B>, Response = D::Response, Error = D::Error>,
{
    type Response = D::Response;
    type Error = D::Error;
    type Future = Either<D::Future, T::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), D::Error>> {
        // Both must be ready, since only the request says which one it is for.
        match self.documents.poll_ready(cx) {
            Poll::Ready(Ok(())) => self.transfers.poll_ready(cx),
            other => other,
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let route =
            RequestContext::of(request.extensions()).and_then(RequestContext::route).and_then(MatchedRoute::route);
        if route.is_some_and(|route| route.kind == Kind::Transfer) {
            Either::Right(self.transfers.call(request))
        } else {
            Either::Left(self.documents.call(request))
        }
    }
}
