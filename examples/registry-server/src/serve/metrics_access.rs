//! Who may read `/metrics`, and the address of their own.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use aam_registry_core::{http::layers::guard_browsers, types::Sha256Digest};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time,
};

/// The path of the metrics.
pub(super) const PATH: &str = "/metrics";

/// How many connections to an address for metrics alone are served at a time.
const CONNECTIONS: usize = 32;
/// How long one request may take from its first byte to the next request.
const REQUEST: Duration = Duration::from_secs(30);
/// How long to wait when the system has no file descriptors or memory left.
const PAUSE: Duration = Duration::from_millis(100);

/// The token without which `/metrics` is not shown, if there is one.
#[derive(Clone, Debug)]
pub(super) struct MetricsAccess(Option<Sha256Digest>);

impl MetricsAccess {
    /// Everybody may read if there is no `token`.
    pub(super) fn new(token: Option<&SecretString>) -> Self {
        Self(token.map(|token| Sha256Digest::of(token.expose_secret().as_bytes())))
    }

    /// Whether a token is needed.
    pub(super) fn is_restricted(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the headers carry the token, if one is needed. Digests are compared, so that the time does not tell how
    /// much of a guess was right.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = self.0 else { return true };
        bearer(headers).is_some_and(|given| Sha256Digest::of(given) == token)
    }
}

/// The bearer token of a request (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// Answers `GET /metrics` on an address of its own until `stop` completes, and everything else with 404.
pub(super) async fn serve(
    listener: TcpListener,
    access: MetricsAccess,
    recorded: PrometheusHandle,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            time::sleep(PAUSE).await;
            continue;
        };
        // Prometheus takes one connection; what comes beyond the places is closed.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (access, recorded) = (access.clone(), recorded.clone());
        tokio::spawn(async move {
            connection(stream, access, recorded).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, access: MetricsAccess, recorded: PrometheusHandle) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&request, &access, &recorded);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(REQUEST);
    // A scrape takes moments; a client that does not read its answer is cut off.
    let _ = time::timeout(REQUEST * 120, http1.serve_connection(TokioIo::new(stream), service)).await;
}

fn answer<B>(request: &Request<B>, access: &MetricsAccess, recorded: &PrometheusHandle) -> Response<String> {
    let (status, text) = if request.uri().path() != PATH {
        (StatusCode::NOT_FOUND, "this address serves only /metrics\n".to_owned())
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        (StatusCode::METHOD_NOT_ALLOWED, "GET reads the metrics\n".to_owned())
    } else if access.admits(request.headers()) {
        (StatusCode::OK, recorded.render())
    } else {
        (StatusCode::UNAUTHORIZED, "the metrics need METRICS_TOKEN as a bearer token\n".to_owned())
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    guard_browsers(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    match status {
        StatusCode::UNAUTHORIZED => headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD")),
        _ => None,
    };
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: Option<&str>) -> HeaderMap {
        let value = authorization.map(|text| (header::AUTHORIZATION, HeaderValue::from_str(text).expect("a header")));
        value.into_iter().collect()
    }

    #[test]
    fn the_token_is_needed_where_there_is_one() {
        let open = MetricsAccess::new(None);
        assert!(open.admits(&headers(None)) && open.admits(&headers(Some("Bearer whatever"))));
        let closed = MetricsAccess::new(Some(&"a token of metrics".into()));
        for right in ["Bearer a token of metrics", "bearer  a token of metrics "] {
            assert!(closed.admits(&headers(Some(right))), "{right:?}");
        }
        for wrong in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer a token of metric"),
            Some("Basic a token of metrics"),
        ] {
            assert!(!closed.admits(&headers(wrong)), "{wrong:?}");
        }
    }
}
