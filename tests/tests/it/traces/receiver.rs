use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use aam_registry_tests::eventually;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;
use tokio::{net::TcpListener, task::JoinHandle};

/// Takes every request of HTTP/1.1, and answers all with the same status.
#[derive(Debug)]
pub(super) struct Receiver {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(super) async fn start(status: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let taken = Arc::<Mutex<Vec<_>>>::default();
        let all = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            loop {
                let Ok((connection, _)) = listener.accept().await else { continue };
                let all = Arc::clone(&all);
                let service = service_fn(move |request: Request<Incoming>| {
                    let all = Arc::clone(&all);
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                        all.lock().expect("not poisoned").push((parts.uri.path().to_owned(), parts.headers, body));
                        let mut response = Response::new(Full::new(Bytes::new()));
                        *response.status_mut() = status;
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(connection), service).await;
                });
            }
        });
        Self { address, taken, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far: path, headers and body.
    pub(super) fn requests(&self) -> Vec<(String, HeaderMap, Bytes)> {
        self.taken.lock().expect("not poisoned").clone()
    }

    /// Forgets what came so far.
    pub(super) fn forget(&self) {
        self.taken.lock().expect("not poisoned").clear();
    }

    /// The spans that came so far, each with the name of its service.
    pub(super) fn spans(&self) -> Vec<(String, Span)> {
        let mut spans = Vec::new();
        for (path, headers, body) in self.requests() {
            assert_eq!(path, "/v1/traces");
            assert_eq!(headers["content-type"], "application/x-protobuf");
            let batch = ExportTraceServiceRequest::decode(body).expect("spans");
            for resource in batch.resource_spans {
                let attributes = resource.resource.unwrap_or_default().attributes;
                let service = attribute(&attributes, "service.name");
                let of_scopes = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(of_scopes.map(|span| (service.clone(), span)));
            }
        }
        spans
    }

    /// The spans of a trace, once all of these names are among them.
    pub(super) async fn trace(&self, id: &str, names: &[&str]) -> Vec<Span> {
        let of_trace = || -> Vec<Span> {
            let spans = self.spans().into_iter().map(|(_, span)| span);
            spans.filter(|span| hex(&span.trace_id) == id).collect()
        };
        let whole = eventually(format!("{names:?}"), async || {
            let spans = of_trace();
            names.iter().all(|name| spans.iter().any(|span| span.name == *name)).then_some(spans)
        });
        whole.await.0
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// The text of an attribute; empty if there is none.
pub(super) fn attribute(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()) {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text.clone(),
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => number.to_string(),
        _ => String::new(),
    }
}
