use std::{future::Future, sync::Arc, time::Duration};

use http::{HeaderValue, Request, Response, header};
use tower::{
    Layer, Service, ServiceBuilder,
    timeout::TimeoutLayer,
    util::{BoxCloneSyncService, MapResponseLayer},
};
use tower_http::{
    compression::{CompressionBody, CompressionLayer, predicate::SizeAbove},
    cors::CorsLayer,
    sensitive_headers::SetSensitiveRequestHeadersLayer,
};

use super::{
    authenticators::FirstRecognizing,
    body::{RegistryBody, RequestBody},
    cache_control::NO_STORE,
    coding::{Coding, ask_for},
    dispatch::{ByKind, Dispatch},
    documents::COMPRESSED_FROM,
    edge::Edge,
    failure::Failure,
    layers::{
        AnswerFailuresLayer, AuthenticateLayer, CatchPanicLayer, ClientAddressLayer, ClientIpPolicy, ConditionalLayer,
        HeadLayer, KeepDocumentsLayer, MatchRouteLayer, ObserveLayer, RateLimitLayer, RequestIdLayer, RequestSpanLayer,
        TraceLink, TraceRequestsLayer, guarded,
    },
    service::RegistryService,
};
use crate::{decide::Audience, decorate::Freshness, ports::Authenticator, registry::Registry};

/// The default stack: match route, limit by address, authenticate, limit by principal, dispatch.
/// [`StackParts::service`] adds the layers that affect every answer, which match the route too.
pub(super) fn default_stack(parts: &StackParts) -> RegistryService {
    let limiter = parts.registry().rate_limiter();
    parts.service(
        ServiceBuilder::new()
            .layer(RateLimitLayer::by_address(Arc::clone(limiter), parts.authenticator()))
            .layer(AuthenticateLayer::new(parts.authenticator()))
            .layer(RateLimitLayer::by_principal(Arc::clone(limiter)))
            .service(parts.endpoints()),
    )
}

/// The parts of the default stack, for a host that arranges them in its own way:
/// [`RegistryServiceBuilder::parts`](super::RegistryServiceBuilder::parts) makes them.
///
/// This host limits requests with a limiter of its own, but not by address, and between authentication
/// and the endpoints it has a layer of its own, which answers nobody who has not logged in:
///
/// ```
/// use std::{
///     sync::Arc,
///     task::{Context, Poll},
/// };
///
/// use aam_registry_core::{
///     error::ErrorCode,
///     http::{
///         Failure, RegistryBody, RegistryService, RequestBody,
///         layers::{AuthenticateLayer, RateLimitLayer},
///     },
///     memory::{self, MemoryLimiter},
///     types::Principal,
/// };
/// use bytes::Bytes;
/// use futures_util::future::{Either, Ready, ready};
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Empty;
/// use tower::{Service, ServiceBuilder, ServiceExt, layer::layer_fn};
///
/// #[derive(Clone)]
/// struct MembersOnly<S>(S);
///
/// impl<S> Service<Request<RequestBody>> for MembersOnly<S>
/// where
///     S: Service<Request<RequestBody>, Response = Response<RegistryBody>, Error = Failure>,
/// {
///     type Response = Response<RegistryBody>;
///     type Error = Failure;
///     type Future = Either<S::Future, Ready<Result<Response<RegistryBody>, Failure>>>;
///
///     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
///         self.0.poll_ready(cx)
///     }
///
///     fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
///         match request.extensions().get::<Principal>() {
///             Some(_) => Either::Left(self.0.call(request)),
///             None => Either::Right(ready(Err(Failure::new(ErrorCode::Unauthorized, "Log in first")))),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let parts = RegistryService::builder(memory::registry().build()?).prefix("/registry").parts()?;
/// let service = parts.service(
///     ServiceBuilder::new()
///         .layer(AuthenticateLayer::new(parts.authenticator()))
///         .layer(layer_fn(MembersOnly))
///         .layer(RateLimitLayer::by_principal(Arc::new(MemoryLimiter::unlimited())))
///         .service(parts.endpoints()),
/// );
/// let request = Request::get("/registry/api/v1/packages").body(Empty::<Bytes>::new())?;
/// assert_eq!(service.oneshot(request).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StackParts {
    pub(super) registry: Registry,
    pub(super) authenticator: FirstRecognizing,
    pub(super) edge: Arc<Edge>,
    pub(super) freshness: Option<Freshness>,
    pub(super) client_ip: ClientIpPolicy,
    pub(super) cors: Option<CorsLayer>,
    pub(super) request_timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) traces: Option<Arc<dyn TraceLink>>,
}

impl StackParts {
    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What identifies callers, for [`AuthenticateLayer`] and [`RateLimitLayer::by_address`].
    ///
    /// A stack without an [`AuthenticateLayer`] treats every caller as anonymous, unless a layer of the
    /// host adds a [`Principal`](crate::types::Principal) to the extensions of the request.
    pub fn authenticator(&self) -> impl Authenticator + Clone + use<> {
        self.authenticator.clone()
    }

    /// The endpoints, without anything around them: no compression, no conditional requests, no
    /// time-out, no finished answers that are kept.
    pub fn dispatch(&self) -> Dispatch {
        Dispatch { registry: self.registry.clone(), edge: Arc::clone(&self.edge) }
    }

    /// The endpoints as the default stack has them: documents are compressed, kept, answered
    /// conditionally and within the time-out; archives are passed on as they are.
    pub fn endpoints(
        &self,
    ) -> impl Service<
        Request<RequestBody>,
        Response = Response<RegistryBody>,
        Error = Failure,
        Future = impl Future<Output = Result<Response<RegistryBody>, Failure>> + Send + use<>,
    > + Clone
    + Send
    + Sync
    + use<> {
        let dispatch = self.dispatch();
        let documents = ServiceBuilder::new()
            .layer(KeepDocumentsLayer::new(self.freshness.clone(), &self.edge.prefix, self.edge.read_access))
            .layer(RequestSpanLayer)
            .layer(ConditionalLayer)
            .map_request(choose_coding)
            .map_response(unwrap_uncompressed)
            .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_FROM)))
            .map_err(Failure::from_layer)
            .layer(TimeoutLayer::new(self.request_timeout))
            .service(dispatch.clone());
        ByKind { documents, transfers: RequestSpanLayer.layer(dispatch) }
    }

    /// The service that answers with `inner`, inside of the layers that affect every answer: they give
    /// the request an id, match its route, find out the client's address, observe it, and convert
    /// failures and panics to answers.
    pub fn service<S>(&self, inner: S) -> RegistryService
    where
        S: Service<Request<RequestBody>, Response = Response<RegistryBody>, Error = Failure>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let Self { edge, client_ip, cors, traces, .. } = self;
        let private = (edge.read_access.audience() == Audience::Members).then(|| MapResponseLayer::new(keep_private));
        let stack = ServiceBuilder::new()
            .layer(MapResponseLayer::new(guarded::<RegistryBody>))
            .layer(RequestIdLayer)
            .option_layer(private)
            .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
            .layer(MatchRouteLayer::without(&edge.without, &edge.prefix))
            .layer(ClientAddressLayer::new(client_ip.clone()))
            .option_layer(traces.clone().map(TraceRequestsLayer::new))
            .layer(ObserveLayer)
            .layer(HeadLayer)
            .option_layer(cors.clone())
            .layer(AnswerFailuresLayer)
            .layer(CatchPanicLayer)
            .service(inner);
        RegistryService::of(BoxCloneSyncService::new(stack), self.body_timeout)
    }
}

/// Says of every answer that is not for everybody that no shared cache may keep it, those included
/// that no endpoint makes.
fn keep_private(mut response: Response<RegistryBody>) -> Response<RegistryBody> {
    let kept = match response.headers().get(header::CACHE_CONTROL) {
        None => Some(HeaderValue::from_static("private")),
        Some(kept) if *kept == NO_STORE => Some(HeaderValue::from_static("private, no-store")),
        Some(_) => None,
    };
    if let Some(kept) = kept {
        response.headers_mut().insert(header::CACHE_CONTROL, kept);
    }
    response
}

fn choose_coding(mut request: Request<RequestBody>) -> Request<RequestBody> {
    ask_for(Coding::accepted(request.headers()), request.headers_mut());
    request
}

/// Boxes only bodies that were compressed.
fn unwrap_uncompressed(response: Response<CompressionBody<RegistryBody>>) -> Response<RegistryBody> {
    let compressed = response.headers().contains_key(header::CONTENT_ENCODING);
    response.map(|body| if compressed { RegistryBody::boxed(body) } else { body.into_inner() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn a_failure_inside_stays_what_it_is() {
        assert_eq!(Failure::from_layer(Box::new(Failure::new(ErrorCode::NotFound, ""))).code(), ErrorCode::NotFound);
    }
}
