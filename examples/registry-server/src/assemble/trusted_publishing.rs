//! Whose ID tokens are taken.

use aam_registry_backends::oidc::{HttpDocuments, OidcIdTokens};
use aam_registry_core::registry::RegistryBuilder;

use super::{AssembleError, outgoing, reason};
use crate::config::Settings;

/// Adds what verifies ID tokens, if the settings name issuers.
pub(super) fn add(builder: RegistryBuilder, settings: &Settings) -> Result<RegistryBuilder, AssembleError> {
    let Some(issuers) = &settings.trusted_publishing_issuers else { return Ok(builder) };
    let documents = HttpDocuments::new(&outgoing::of(settings)?);
    let documents = documents.map_err(|error| AssembleError::TrustedPublishing(reason(&error)))?;
    let audience = settings.trusted_publishing_audience.0.as_str();
    Ok(builder.id_tokens(OidcIdTokens::new(issuers.0.iter().cloned(), audience, documents)))
}
