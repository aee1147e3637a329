//! The operator's webhooks.

use std::sync::Arc;

use aam_registry_backends::webhook::{AllowedNetworks, HttpWebhooks};
use aam_registry_core::{jobs::Webhook, ports::WebhookSender, registry::RegistryBuilder};

use super::{AssembleError, reason};
use crate::config::Settings;

/// Adds what delivers events to the receivers of the settings.
pub(super) fn add(builder: RegistryBuilder, settings: &Settings) -> Result<RegistryBuilder, AssembleError> {
    let Some(webhooks) = &settings.webhooks else { return Ok(builder) };
    let allowed = AllowedNetworks::new(settings.webhook_allow_private.0.iter().copied());
    let sender = HttpWebhooks::new(allowed).map_err(|error| AssembleError::Webhooks(reason(&error)))?;
    let sender: Arc<dyn WebhookSender> = Arc::new(sender);
    Ok(webhooks.0.iter().cloned().fold(builder, |builder, hook| {
        builder.job_handler(Webhook::new(hook.url, hook.secret, hook.events, Arc::clone(&sender)))
    }))
}
