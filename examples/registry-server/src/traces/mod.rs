//! Traces, sent to an OpenTelemetry collector by OTLP over HTTP.
//!
//! Without a collector nothing here is made, and the spans of the registry are not either.

mod client;
mod link;

use std::{collections::HashMap, time::Duration};

use aam_registry_backends::outgoing::Outgoing;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};
use secrecy::ExposeSecret;

use crate::config::{Settings, TracesSampler};
use client::CollectorClient;
pub(crate) use link::{TraceHeaders, TraceLinks};

/// How long the collector may take for one batch.
const EXPORT: Duration = Duration::from_secs(10);
/// How long the end of the process waits for the last batch.
const LAST_EXPORT: Duration = Duration::from_secs(3);
/// How long spans wait to be sent together.
const GATHERED_FOR: Duration = Duration::from_secs(2);
/// The most spans that wait to be sent; further ones are dropped, so that a collector that is down costs no memory.
const MOST_WAITING: usize = 8192;

/// The sender of traces; sends what still waits when it is dropped.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// The sender that the settings ask for, if they name a collector.
    ///
    /// # Errors
    /// Why the collector cannot be called.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub(crate) fn start(settings: &Settings, outgoing: &Outgoing) -> Result<Option<Self>, String> {
        let Some(endpoint) = &settings.otel_exporter_otlp_endpoint else { return Ok(None) };
        let headers: HashMap<_, _> = settings
            .otel_exporter_otlp_headers
            .iter()
            .flat_map(|headers| headers.0.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())))
            .collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(CollectorClient::new(outgoing, EXPORT)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.0.trim_end_matches('/')))
            .with_timeout(EXPORT)
            .with_headers(headers)
            .build()
            .map_err(|error| error.to_string())?;
        let batches =
            BatchConfigBuilder::default().with_max_queue_size(MOST_WAITING).with_scheduled_delay(GATHERED_FOR).build();
        let resource = Resource::builder()
            .with_service_name(settings.otel_service_name.0.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler(settings.otel_traces_sampler, settings.otel_traces_sampler_arg.0))
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .build();
        Ok(Some(Self { provider }))
    }

    /// What makes spans.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer(env!("CARGO_PKG_NAME"))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // That the last batch did not get through is logged where it was sent.
        let _ = self.provider.shutdown_with_timeout(LAST_EXPORT);
    }
}

fn sampler(kind: TracesSampler, share: f64) -> Sampler {
    let parent_based = |root| Sampler::ParentBased(Box::new(root));
    match kind {
        TracesSampler::AlwaysOn => Sampler::AlwaysOn,
        TracesSampler::AlwaysOff => Sampler::AlwaysOff,
        TracesSampler::TraceIdRatio => Sampler::TraceIdRatioBased(share),
        TracesSampler::ParentBasedAlwaysOn => parent_based(Sampler::AlwaysOn),
        TracesSampler::ParentBasedAlwaysOff => parent_based(Sampler::AlwaysOff),
        TracesSampler::ParentBasedTraceIdRatio => parent_based(Sampler::TraceIdRatioBased(share)),
    }
}
