use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{HeaderValue, Request, Response, header};
use tower::{
    BoxError, Layer, ServiceBuilder,
    timeout::TimeoutLayer,
    util::{BoxCloneSyncService, MapResponseLayer},
};
use tower_http::{
    compression::{CompressionBody, CompressionLayer, predicate::SizeAbove},
    cors::CorsLayer,
    sensitive_headers::SetSensitiveRequestHeadersLayer,
};

use super::{
    answer::NO_STORE,
    authenticators::FirstRecognizing,
    body::{RegistryBody, RequestBody},
    coding::{Coding, ask_for},
    dispatch::{ByKind, Dispatch},
    documents::COMPRESSED_FROM,
    edge::Edge,
    failure::Failure,
    layers::{
        AnswerFailuresLayer, AuthenticateLayer, CatchPanicLayer, ClientAddressLayer, ClientIpPolicy, ConditionalLayer,
        HeadLayer, KeepDocumentsLayer, MatchRouteLayer, ObserveLayer, RateLimitLayer, RequestIdLayer, RequestSpanLayer,
    },
};
use crate::{decide::Audience, error::Error, registry::Registry};

/// The type of the default stack.
pub(super) type Stack = BoxCloneSyncService<Request<RequestBody>, Response<RegistryBody>, Infallible>;

/// The parts of the default stack.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) registry: Registry,
    pub(super) authenticator: FirstRecognizing,
    pub(super) edge: Arc<Edge>,
    pub(super) client_ip: ClientIpPolicy,
    pub(super) cors: Option<CorsLayer>,
    pub(super) request_timeout: Duration,
}

/// The layers of every request. The outermost ones affect every answer; then follow: match route, limit
/// by address, authenticate, limit by principal, dispatch.
pub(super) fn default_stack(parts: Parts) -> Stack {
    let Parts { registry, authenticator, edge, client_ip, cors, request_timeout } = parts;
    let limiter = registry.rate_limiter();
    let routes = MatchRouteLayer::without(&edge.without, &edge.prefix);
    let private = (edge.read_access.audience() == Audience::Members).then(|| MapResponseLayer::new(keep_private));
    let dispatch = Dispatch { registry: registry.clone(), edge: Arc::clone(&edge) };

    let documents = ServiceBuilder::new()
        .layer(KeepDocumentsLayer::new(registry.freshness().cloned(), &edge.prefix, edge.read_access))
        .layer(RequestSpanLayer)
        .layer(ConditionalLayer)
        .map_request(choose_coding)
        .map_response(unwrap_uncompressed)
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_FROM)))
        .map_err(failure_of)
        .layer(TimeoutLayer::new(request_timeout))
        .service(dispatch.clone());
    let transfers = RequestSpanLayer.layer(dispatch);

    BoxCloneSyncService::new(
        ServiceBuilder::new()
            .layer(RequestIdLayer)
            .option_layer(private)
            .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
            .layer(routes)
            .layer(ClientAddressLayer::new(client_ip))
            .layer(ObserveLayer)
            .layer(HeadLayer)
            .option_layer(cors)
            .layer(AnswerFailuresLayer)
            .layer(CatchPanicLayer)
            .layer(RateLimitLayer::by_address(Arc::clone(limiter), authenticator.clone()))
            .layer(AuthenticateLayer::new(authenticator))
            .layer(RateLimitLayer::by_principal(Arc::clone(limiter)))
            .service(ByKind { documents, transfers }),
    )
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

fn failure_of(error: BoxError) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => *failure,
        Err(error) if error.is::<tower::timeout::error::Elapsed>() => {
            Error::Timeout("The registry took too long to answer; try again in a moment".to_owned()).into()
        }
        Err(error) => Failure::internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn a_failure_inside_stays_what_it_is() {
        assert_eq!(failure_of(Box::new(Failure::new(ErrorCode::NotFound, ""))).code(), ErrorCode::NotFound);
    }
}
