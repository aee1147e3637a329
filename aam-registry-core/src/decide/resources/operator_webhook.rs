use jiff::Timestamp;

use crate::{
    decide::{
        ChangesOf, DecisionOf,
        delivery_record::{DeliveryOutcome, DeliveryRecord},
    },
    error::Result,
    types::{NewAuditEntry, OperatorWebhookState, WebhookName},
};

/// What is written of the webhooks of the operator.
#[derive(Clone, Debug)]
pub enum OperatorWebhookWrite {
    /// Notes what is known of the deliveries to one, found by its name.
    Put(OperatorWebhookState),
    /// Forgets that.
    Forget(WebhookName),
}

/// What commands about a webhook of the operator are decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorWebhookFacts {
    /// What is known of it, if anything.
    pub state: Option<OperatorWebhookState>,
}

/// How a delivery to a webhook of the operator ended, to be noted.
#[derive(Clone, Debug)]
pub struct OperatorWebhookReport {
    /// The webhook.
    pub name: WebhookName,
    /// [What it is configured as](crate::types::OperatorWebhook::configuration).
    pub configuration: String,
    /// How it ended.
    pub outcome: DeliveryOutcome,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say where that disables the webhook; the decision adds why.
    pub audit: NewAuditEntry,
}

impl OperatorWebhookReport {
    /// Notes it, and disables a webhook whose receiver is gone, or which failed for a week. What is known of
    /// another configuration does not count. Gives the state where that disabled the webhook.
    ///
    /// # Errors
    /// None.
    pub fn decide(
        &self,
        facts: &OperatorWebhookFacts,
    ) -> Result<DecisionOf<Option<OperatorWebhookState>, OperatorWebhookWrite>> {
        let found = facts.state.as_ref();
        let known = found.filter(|state| state.configuration == self.configuration);
        if known.is_some_and(|state| state.disabled.is_some()) {
            return Ok(DecisionOf::unchanged(None));
        }
        let DeliveryRecord { failing_since, disabled } =
            DeliveryRecord::after(self.outcome, known.and_then(|state| state.failing_since), self.now);
        let after = OperatorWebhookState {
            name: self.name.clone(),
            configuration: self.configuration.clone(),
            failing_since,
            disabled,
        };
        if found == Some(&after) || (found.is_none() && failing_since.is_none() && disabled.is_none()) {
            return Ok(DecisionOf::unchanged(None));
        }
        let audit = disabled.map(|disabled| {
            self.audit.clone().with("webhook", self.name.as_str()).with("reason", disabled.reason.as_str())
        });
        let answer = disabled.map(|_| after.clone());
        let writes = vec![OperatorWebhookWrite::Put(after)];
        Ok(DecisionOf { answer, changes: ChangesOf { writes, audit: audit.into_iter().collect(), invalidates: None } })
    }
}

/// Puts a webhook of the operator to use again, with a clean record.
#[derive(Clone, Debug)]
pub struct EnableOperatorWebhook {
    /// The webhook.
    pub name: WebhookName,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

impl EnableOperatorWebhook {
    /// Does it; gives whether the webhook was disabled.
    ///
    /// # Errors
    /// None.
    pub fn decide(&self, facts: &OperatorWebhookFacts) -> Result<DecisionOf<bool, OperatorWebhookWrite>> {
        if facts.state.as_ref().is_none_or(|state| state.disabled.is_none()) {
            return Ok(DecisionOf::unchanged(false));
        }
        let audit = self.audit.clone().with("webhook", self.name.as_str()).with("enabled", true);
        let writes = vec![OperatorWebhookWrite::Forget(self.name.clone())];
        Ok(DecisionOf { answer: true, changes: ChangesOf { writes, audit: vec![audit], invalidates: None } })
    }
}
