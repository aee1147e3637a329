//! The webhooks of the operator and of scopes.

use aam_registry_backends::{outgoing::AllowedNetworks, secrets::SecretKeys, webhook::HttpWebhooks};
use aam_registry_core::{registry::RegistryBuilder, types::OperatorWebhook};
use secrecy::{ExposeSecret, SecretString};

use super::{AssembleError, outgoing, reason};
use crate::{config::Settings, generated_secret};

/// Adds what delivers events, and what encrypts the secrets of scopes' webhooks.
///
/// Servers that share a database need the same key, so none is generated for
/// them: without one, scopes have no webhooks.
pub(super) fn add(builder: RegistryBuilder, settings: &Settings) -> Result<RegistryBuilder, AssembleError> {
    let allowed = AllowedNetworks::new(settings.webhook_allow_private.0.iter().copied());
    let client = outgoing::of(settings)?.client(allowed, HttpWebhooks::TIMEOUT);
    let sender = HttpWebhooks::new(client.map_err(|error| AssembleError::Webhooks(reason(&error)))?);
    let builder = builder.webhook_delivery(sender, of_operator(settings));
    Ok(match keys(settings)? {
        Some(keys) => builder.secrets(keys),
        None => builder,
    })
}

/// The webhooks of config.yaml.
pub(super) fn of_operator(settings: &Settings) -> Vec<OperatorWebhook> {
    settings.webhooks.as_ref().map(|webhooks| webhooks.0.clone()).unwrap_or_default()
}

fn keys(settings: &Settings) -> Result<Option<SecretKeys>, AssembleError> {
    let generated: SecretString;
    let (first, retired) = match &settings.secrets_key {
        Some(keys) => (&keys.first, keys.retired.as_slice()),
        None if settings.database_url.is_shared() => return Ok(None),
        None => {
            let data_dir = &settings.data_dir;
            generated = generated_secret::load_or_create(data_dir, "secrets-key")
                .map_err(|source| AssembleError::Data { path: data_dir.clone(), source })?;
            (&generated, [].as_slice())
        }
    };
    let keys = SecretKeys::new(first.expose_secret(), retired.iter().map(ExposeSecret::expose_secret));
    keys.map(Some).map_err(|error| AssembleError::SecretsKey(error.to_string()))
}
