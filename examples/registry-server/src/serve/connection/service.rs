use std::{
    cell::RefCell,
    convert::Infallible,
    future::ready,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use aam_registry_core::http::{PeerAddr, ReadinessState, RegistryBody, RegistryService};
use futures_util::future::Either;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::{
    body::Incoming,
    service::{Service as HyperService, service_fn},
};
use tower::{Service, ServiceExt};

use super::{
    body::{AnswerBody, RequestBody},
    client::{Client, UnderWay},
    pace::Pace,
    refusal::Refusal,
    serving::Serving,
};
use crate::serve::metrics_access;

/// Tells browsers to use only HTTPS for a year, as the proxies of `deployment/docker` do.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// The service for the requests of one connection.
pub(super) fn service_of(
    serving: Arc<Serving>,
    client: Arc<Client>,
) -> impl HyperService<Request<Incoming>, Response = Response<AnswerBody>, Error = Infallible, Future: Send + 'static> + Send
{
    // One clone for the connection: a clone for each request would copy every layer.
    let service = RefCell::new(serving.service.clone());
    service_fn(move |mut request: Request<Incoming>| {
        if let Some(below) = serving.base_path.below(request.uri()) {
            *request.uri_mut() = below;
        }
        let (serving, client) = (Arc::clone(&serving), Arc::clone(&client));
        let under_way = client.begin_request();
        let version = request.version();
        let answer = if let Some(refusal) = refusal(&request, &serving, &client) {
            client.linger();
            Either::Left(ready(Ok(refusal.response())))
        } else {
            let mut request = request.map(|body| RequestBody::new(body, &under_way));
            if is_restricted(&request, &serving) {
                // The registry does not know the token.
                request.headers_mut().remove(header::AUTHORIZATION);
            }
            request.extensions_mut().insert(PeerAddr(client.peer));
            Either::Right(call(&service, request))
        };
        async move { answer.await.map(|response| finish(response, version, &serving, &client, under_way)) }
    })
}

/// Calls the service; if it is not ready, waits with a clone of it.
fn call(
    service: &RefCell<RegistryService>,
    request: Request<RequestBody>,
) -> impl Future<Output = Result<Response<RegistryBody>, Infallible>> + Send + use<> {
    let mut service = service.borrow_mut();
    let is_ready = Service::<Request<RequestBody>>::poll_ready(&mut *service, &mut Context::from_waker(Waker::noop()));
    match is_ready {
        Poll::Ready(Ok(())) => Either::Left(service.call(request)),
        _ => Either::Right(service.clone().oneshot(request)),
    }
}

/// Why a request is not served, if it is refused.
fn refusal(request: &Request<Incoming>, serving: &Serving, client: &Client) -> Option<Refusal> {
    if let Some(refusal) = Refusal::of(request) {
        return Some(refusal);
    }
    if is_restricted(request, serving) && !serving.metrics.admits(request.headers()) {
        return Some(Refusal::NoMetricsToken);
    }
    if is_probe(request.uri().path()) {
        return None;
    }
    if client.seat.becomes_regular() {
        return serving.is_out_of_memory().then_some(Refusal::OutOfMemory);
    }
    serving.note_refused();
    Some(Refusal::Overloaded)
}

/// Whether the request needs the token of metrics.
fn is_restricted<B>(request: &Request<B>, serving: &Serving) -> bool {
    serving.metrics.is_restricted() && request.uri().path() == metrics_access::PATH
}

/// The paths that are answered even without a regular seat: they report the server's state.
fn is_probe(path: &str) -> bool {
    matches!(path, "/ready" | "/metrics" | "/health") || path.starts_with("/health/")
}

/// Prepares the answer for this connection.
fn finish(
    mut response: Response<RegistryBody>,
    version: Version,
    serving: &Serving,
    client: &Client,
    under_way: UnderWay,
) -> Response<AnswerBody> {
    let is_http2 = version == Version::HTTP_2;
    // A connection that is about to be closed is closed after this answer, so that the client sends its
    // next request on a new one. A connection without a regular seat gets only one answer.
    let ends = !client.seat.is_regular() || client.is_old() || serving.readiness.get() == ReadinessState::Draining;
    if ends {
        client.end_soon();
    }
    // After a time-out the rest of the request's body may still arrive; it must not be read as the next
    // request.
    let timed_out = matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT);
    if !is_http2 && (ends || timed_out) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if serving.speaks_tls() {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    let pace = if is_http2 { Pace::current() } else { None };
    response.map(|body| AnswerBody::new(body, pace, under_way))
}
