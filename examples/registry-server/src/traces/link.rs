use aam_registry_backends::outgoing::OutgoingHeaders;
use aam_registry_core::http::layers::TraceLink;
use http::{HeaderMap, HeaderValue};
use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Reads the header `traceparent` of requests (W3C Trace Context).
#[derive(Debug, Default)]
pub(crate) struct TraceLinks {
    format: TraceContextPropagator,
}

impl TraceLink for TraceLinks {
    fn link(&self, span: &Span, headers: &HeaderMap) -> Option<HeaderValue> {
        let caller = self.format.extract(&HeaderExtractor(headers));
        if caller.span().span_context().is_valid() {
            // Without it the request begins a trace of its own.
            let _ = span.set_parent(caller);
        }
        let trace = span.context().span().span_context().trace_id();
        HeaderValue::try_from(trace.to_string()).ok()
    }
}

/// Adds the header `traceparent` to requests that the server makes within a trace.
#[derive(Debug, Default)]
pub(crate) struct TraceHeaders {
    format: TraceContextPropagator,
}

impl OutgoingHeaders for TraceHeaders {
    fn add(&self, headers: &mut HeaderMap) {
        self.format.inject_context(&Span::current().context(), &mut HeaderInjector(headers));
    }
}
