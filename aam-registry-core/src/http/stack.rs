use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{HeaderMap, Request, Response, header};
use tower::{BoxError, ServiceBuilder, timeout::TimeoutLayer, util::BoxCloneSyncService};
use tower_http::{
    compression::{CompressionBody, CompressionLayer, predicate::SizeAbove},
    cors::CorsLayer,
    request_id::{PropagateRequestIdLayer, SetRequestIdLayer},
    sensitive_headers::SetSensitiveRequestHeadersLayer,
};

use super::{
    body::{RegistryBody, RequestBody},
    dispatch::{ByKind, Dispatch},
    edge::Edge,
    failure::Failure,
    request_id::{RandomRequestId, drop_unfit_request_id},
};
use crate::{
    error::Error,
    layers::{
        AnswerFailuresLayer, AuthenticateLayer, CatchPanicLayer, ClientAddressLayer, ClientIpPolicy, ConditionalLayer,
        HeadLayer, LimitBy, MatchRouteLayer, ObserveLayer, RateLimitLayer,
    },
    registry::Registry,
};

/// Documents up to this size are sent as they are: compressing them saves no packet.
const COMPRESS_ABOVE: u64 = 1024;

/// The default stack, whatever its layers.
pub(super) type Stack = BoxCloneSyncService<Request<RequestBody>, Response<RegistryBody>, Infallible>;

/// What the default stack is made of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) registry: Registry,
    pub(super) edge: Arc<Edge>,
    pub(super) client_ip: ClientIpPolicy,
    pub(super) cors: Option<CorsLayer>,
    pub(super) request_timeout: Duration,
}

/// The way of every request: outside what each answer shows, then match route,
/// limit by address, authenticate, limit by principal, dispatch.
pub(super) fn default_stack(parts: Parts) -> Stack {
    let Parts { registry, edge, client_ip, cors, request_timeout } = parts;
    let limiter = registry.rate_limiter();
    let routes = MatchRouteLayer::new(&edge.prefix);
    let dispatch = Dispatch { registry: registry.clone(), edge };

    let documents = ServiceBuilder::new()
        .layer(ConditionalLayer)
        .map_request(accept_identity_at_least)
        .map_response(unwrap_uncompressed)
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESS_ABOVE)))
        .map_err(failure_of)
        .layer(TimeoutLayer::new(request_timeout))
        .service(dispatch.clone());
    let transfers = dispatch;

    BoxCloneSyncService::new(
        ServiceBuilder::new()
            .map_request(drop_unfit_request_id)
            .layer(SetRequestIdLayer::x_request_id(RandomRequestId))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
            .layer(routes)
            .layer(ClientAddressLayer::new(client_ip))
            .layer(ObserveLayer)
            .layer(HeadLayer)
            .option_layer(cors)
            .layer(AnswerFailuresLayer)
            .layer(CatchPanicLayer)
            .layer(RateLimitLayer::new(Arc::clone(limiter), LimitBy::Address))
            .layer(AuthenticateLayer::new(registry.clone()))
            .layer(RateLimitLayer::new(Arc::clone(limiter), LimitBy::Principal))
            .service(ByKind { documents, transfers }),
    )
}

/// A client that refuses every coding we have, and plain too, gets plain
/// (RFC 9110, section 12.5.3, leaves that to us); an error about it helps nobody.
fn accept_identity_at_least(mut request: Request<RequestBody>) -> Request<RequestBody> {
    if refuses_plain(request.headers()) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    request
}

fn refuses_plain(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut refused = false;
    for coding in values.flat_map(|value| value.split(',')) {
        let (name, weight) = coding.split_once(';').map_or((coding.trim(), ""), |(name, q)| (name.trim(), q.trim()));
        let none = weight.strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
        match name {
            "gzip" | "br" | "zstd" if !none => return false,
            "*" | "identity" if none => refused = true,
            _ => {}
        }
    }
    refused
}

/// Boxes only what was compressed.
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
    use http::HeaderValue;

    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn plain_is_refused_only_where_nothing_else_is_taken() {
        let refuses = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            refuses_plain(&headers)
        };
        for plain in ["gzip", "", "identity", "identity;q=0, gzip", "*;q=0, br;q=0.5", "deflate", "identity;q=0.1"] {
            assert!(!refuses(plain), "{plain}");
        }
        for nothing in ["identity;q=0", "*;q=0", "gzip;q=0, identity;q=0.0", "deflate, *;q=0.000"] {
            assert!(refuses(nothing), "{nothing}");
        }
        assert_eq!(failure_of(Box::new(Failure::no_such_path())).code(), ErrorCode::NotFound);
    }
}
