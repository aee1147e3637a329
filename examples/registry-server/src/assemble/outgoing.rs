//! How the server calls others.

use aam_registry_backends::outgoing::Outgoing;
use secrecy::ExposeSecret;

use super::AssembleError;
use crate::config::Settings;

/// The proxy and the certificate authorities of the settings.
pub(super) fn of(settings: &Settings) -> Result<Outgoing, AssembleError> {
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
