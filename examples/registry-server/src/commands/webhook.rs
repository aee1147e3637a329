//! `webhook`.

use std::fmt::Write;

use aam_registry_core::types::{OperatorWebhook, OperatorWebhookState, WebhookName};
use serde_json::{Value, json};

use super::{Answer, Failed, user::on_registry};
use crate::{
    cli::{ListWebhooks, NamedWebhook},
    config::Surroundings,
};

/// Lists the operator's webhooks with what is known of their deliveries.
pub(super) fn list(command: &ListWebhooks, surroundings: Surroundings) -> Result<Answer, Failed> {
    let (webhooks, states) = on_registry(surroundings, async |registry| {
        let states = registry.operator_webhook_states().await?;
        Ok((registry.operator_webhooks().to_vec(), states))
    })?;
    let mut text = String::new();
    let mut shown = Vec::new();
    for webhook in &webhooks {
        let state = states.iter().find(|state| state.name == webhook.name);
        let _ = writeln!(text, "{}  {}  {}", webhook.name.as_str(), webhook.url.host(), told(state));
        shown.push(webhook_json(webhook, state));
    }
    if webhooks.is_empty() {
        text.push_str("config.yaml lists no webhooks");
    }
    Ok(Answer::new(command.json, text.trim_end(), &json!({ "webhooks": shown })))
}

/// Puts a webhook to use again.
pub(super) fn enable(command: &NamedWebhook, surroundings: Surroundings) -> Result<Answer, Failed> {
    let name = &command.name;
    let known = WebhookName::parse(name).map_err(|wrong| Failed(format!("the name of a webhook {wrong}")))?;
    let enabled = on_registry(surroundings, async |registry| {
        if registry.operator_webhooks().iter().all(|webhook| webhook.name != known) {
            return Err(Failed(format!(
                "config.yaml lists no webhook {name}; `aam-registry webhook list` shows those it does"
            )));
        }
        Ok(registry.enable_operator_webhook(&known).await?)
    })?;
    let text = if enabled {
        format!(
            "{name} is in use again; deliveries that were given up are sent by `aam-registry jobs retry --failed --kind webhook:{name}`"
        )
    } else {
        format!("{name} was in use already")
    };
    Ok(Answer::new(command.json, text, &json!({ "enabled": enabled })))
}

fn told(state: Option<&OperatorWebhookState>) -> String {
    match state {
        Some(OperatorWebhookState { disabled: Some(disabled), .. }) => {
            format!("disabled since {} ({})", disabled.at, disabled.reason.as_str())
        }
        Some(OperatorWebhookState { failing_since: Some(since), .. }) => format!("failing since {since}"),
        _ => "in use".to_owned(),
    }
}

/// The path of the address may be a secret.
fn webhook_json(webhook: &OperatorWebhook, state: Option<&OperatorWebhookState>) -> Value {
    let disabled = state.and_then(|state| state.disabled);
    json!({
        "name": webhook.name.as_str(),
        "host": webhook.url.host(),
        "events": webhook.events.iter().map(|event| event.as_str()).collect::<Vec<_>>(),
        "failing_since": state.and_then(|state| state.failing_since).map(|since| since.to_string()),
        "disabled_at": disabled.map(|disabled| disabled.at.to_string()),
        "disabled_reason": disabled.map(|disabled| disabled.reason.as_str()),
    })
}
