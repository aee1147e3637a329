//! Whose reports of leaked tokens are taken.

use aam_registry_backends::secret_scanning::{KeySource, ScannerKeys};
use aam_registry_core::registry::RegistryBuilder;

use super::{AssembleError, outgoing, reason};
use crate::config::Settings;

/// Adds what checks the signatures of reports, if the settings name keys.
pub(super) fn add(builder: RegistryBuilder, settings: &Settings) -> Result<RegistryBuilder, AssembleError> {
    let Some(place) = &settings.token_report_keys else { return Ok(builder) };
    let source = KeySource::parse(&place.0, &outgoing::of(settings)?);
    let source = source.map_err(|error| AssembleError::SecretScanning(reason(&error)))?;
    Ok(builder.scanner_signatures(ScannerKeys::new(source)))
}
