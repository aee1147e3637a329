use std::collections::BTreeMap;

use crate::{
    decide::{OperatorWebhookFacts, OperatorWebhookWrite},
    types::{OperatorWebhookState, WebhookName},
};

/// What is known of the webhooks of the operator.
#[derive(Default)]
pub(super) struct OperatorWebhooks(BTreeMap<WebhookName, OperatorWebhookState>);

impl OperatorWebhooks {
    pub(super) fn facts(&self, name: &WebhookName) -> OperatorWebhookFacts {
        OperatorWebhookFacts { state: self.0.get(name).cloned() }
    }

    pub(super) fn list(&self) -> Vec<OperatorWebhookState> {
        self.0.values().cloned().collect()
    }

    pub(super) fn write(&mut self, write: OperatorWebhookWrite) {
        match write {
            OperatorWebhookWrite::Put(state) => self.0.insert(state.name.clone(), state),
            OperatorWebhookWrite::Forget(name) => self.0.remove(&name),
        };
    }
}
