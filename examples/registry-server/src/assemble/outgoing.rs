//! How the server calls others.

use aam_registry_backends::outgoing::Outgoing;
use secrecy::ExposeSecret;

use super::AssembleError;
use crate::{config::Settings, traces::TraceHeaders};

/// The proxy and the certificate authorities of the settings. Where traces are collected, requests name theirs.
pub(super) fn of(settings: &Settings) -> Result<Outgoing, AssembleError> {
    let outgoing = untraced(settings)?;
    Ok(match settings.otel_exporter_otlp_endpoint {
        Some(_) => outgoing.with_headers(TraceHeaders::default()),
        None => outgoing,
    })
}

/// The same for requests to the collector of traces itself.
pub(crate) fn untraced(settings: &Settings) -> Result<Outgoing, AssembleError> {
    let mut outgoing = Outgoing::default();
    if let Some(proxy) = &settings.https_proxy {
        let exceptions = settings.no_proxy.as_ref().map_or("", |exceptions| &exceptions.0);
        let with_proxy = outgoing.with_proxy(proxy.0.expose_secret(), exceptions);
        outgoing = with_proxy.map_err(|fault| AssembleError::Outgoing(format!("HTTPS_PROXY {fault}")))?;
    }
    if let Some(bundle) = &settings.ca_bundle {
        let with_roots = outgoing.with_root_certificates(&bundle.0);
        outgoing = with_roots.map_err(|fault| AssembleError::Outgoing(format!("CA_BUNDLE {fault}")))?;
    }
    Ok(outgoing)
}
