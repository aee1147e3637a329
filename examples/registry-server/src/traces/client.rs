use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use aam_registry_backends::outgoing::{Outgoing, OutgoingClient};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use metrics::counter;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// The most bytes of an answer of the collector that are read.
const ANSWER: usize = 64 * 1024;

/// Sends batches of spans to the collector, through the operator's proxy and trusting the operator's authorities.
///
/// Batches are made on a thread without a runtime, so each is sent by a task of the server's own.
#[derive(Debug)]
pub(super) struct CollectorClient {
    client: OutgoingClient,
    runtime: Handle,
    is_failing: AtomicBool,
}

impl CollectorClient {
    pub(super) fn new(outgoing: &Outgoing, timeout: Duration) -> Result<Self, String> {
        let client = outgoing.client_for_operator(timeout).map_err(|error| error.to_string())?;
        Ok(Self { client, runtime: Handle::current(), is_failing: AtomicBool::new(false) })
    }

    /// Counts one batch, and logs the first that fails after one that did not.
    fn note(&self, failure: Option<&str>) {
        let outcome = if failure.is_some() { "failed" } else { "sent" };
        counter!("aam_trace_exports_total", "outcome" => outcome).increment(1);
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        if let Some(error) = failure.filter(|_| !was_failing) {
            tracing::warn!(
                event = "traces_not_sent",
                error,
                "traces are lost until the collector takes them: start it, or set OTEL_EXPORTER_OTLP_ENDPOINT right"
            );
        }
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.send(request).await?;
            let status = answer.status();
            Ok::<_, HttpError>((status, answer.body(ANSWER).await?))
        });
        match sent.await.map_err(HttpError::from).flatten() {
            Ok((status, body)) => {
                let refused = (!status.is_success()).then(|| format!("the collector answered {status}"));
                self.note(refused.as_deref());
                let mut response = Response::new(body);
                *response.status_mut() = status;
                Ok(response)
            }
            Err(error) => {
                self.note(Some(&error.to_string()));
                Err(error)
            }
        }
    }
}
