use jiff::Timestamp;
use serde_json::json;

use crate::{
    decide::{
        Action, CallerFacts, ChangesOf, DecisionOf, Rights,
        delivery_record::{DeliveryOutcome, DeliveryRecord},
    },
    error::{Error, Result},
    types::{
        Actor, AuditEvent, DisableReason, DisabledWebhook, JobId, JobState, NewAuditEntry, NewJob, ScopeName,
        ScopeRole, ScopeWebhook, SealedSecret, StoredWebhook, WebhookId, WebhookUrl,
    },
};

/// What is written of the webhooks of scopes.
#[derive(Clone, Debug)]
pub enum WebhookWrite {
    /// Creates a webhook, or replaces the one with its id.
    Put(StoredWebhook),
    /// Deletes a webhook.
    Delete(WebhookId),
    /// Deletes the jobs of a kind, which are the deliveries to a webhook that was deleted.
    DropDeliveries(String),
    /// Queues a delivery.
    Queue(NewJob),
    /// Makes a delivery due at once, and counts its attempts anew.
    Retry(JobId),
}

/// Something to do with the webhooks of a scope.
#[derive(Clone, Debug)]
pub struct WebhookCommand {
    /// Who does it.
    pub actor: Actor,
    /// The scope.
    pub scope: ScopeName,
    /// What is done.
    pub change: WebhookChange,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log, if the webhook itself changes.
    pub audit: NewAuditEntry,
}

/// What is done with a webhook.
#[derive(Clone, Debug)]
pub enum WebhookChange {
    /// Makes it.
    Create(StoredWebhook),
    /// Does something with one that exists.
    Existing {
        /// Which.
        id: WebhookId,
        /// What.
        action: WebhookAction,
    },
}

/// What is done with a webhook that exists.
#[derive(Clone, Debug)]
pub enum WebhookAction {
    /// Changes what is given.
    Update(WebhookPatch),
    /// Deletes it, and its deliveries.
    Delete,
    /// Sends a message that tells of nothing, as the delivery with this id.
    Ping(JobId),
    /// Sends this delivery again.
    Redeliver(JobId),
}

/// What is changed of a webhook.
#[derive(Clone, Debug, Default)]
pub struct WebhookPatch {
    /// Where events are sent.
    pub url: Option<WebhookUrl>,
    /// Which are sent.
    pub events: Option<Vec<AuditEvent>>,
    /// What deliveries are signed with.
    pub secret: Option<SealedSecret>,
    /// Whether it is in use.
    pub enabled: Option<bool>,
}

impl WebhookChange {
    /// The webhook that it is about.
    pub fn webhook(&self) -> WebhookId {
        match self {
            Self::Create(new) => new.webhook.id,
            Self::Existing { id, .. } => *id,
        }
    }

    /// The delivery that has to exist.
    pub fn delivery(&self) -> Option<JobId> {
        match self {
            Self::Existing { action: WebhookAction::Redeliver(delivery), .. } => Some(*delivery),
            _ => None,
        }
    }
}

/// What a [`WebhookCommand`] is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookFacts {
    /// Who acts.
    pub caller: CallerFacts,
    /// Whether the scope exists.
    pub scope_exists: bool,
    /// Whether it demands a second factor of those who change something in it.
    pub scope_requires_2fa: bool,
    /// The actor's role in it.
    pub role: Option<ScopeRole>,
    /// How many webhooks the scope has.
    pub webhooks: u64,
    /// The webhook, if the scope has it.
    pub webhook: Option<StoredWebhook>,
    /// The state of the delivery, if it is one of the webhook.
    pub delivery: Option<JobState>,
}

impl WebhookCommand {
    /// Does it; gives the webhook as it is then, or was before it was deleted.
    /// One that is enabled again starts with a clean record.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ScopeNotFound`], [`Error::Forbidden`],
    /// [`Error::NotFound`], in this order; [`Error::QuotaExceeded`] where the
    /// scope has as many webhooks as it may; [`Error::InvalidRequest`] for a
    /// delivery of a disabled webhook, or one that is under way.
    pub fn decide(&self, facts: &WebhookFacts) -> Result<DecisionOf<ScopeWebhook, WebhookWrite>> {
        let caller = facts.caller.require_live(&self.actor, self.now)?;
        if !facts.scope_exists {
            return Err(Error::ScopeNotFound(self.scope.clone()));
        }
        let lacks_second_factor = facts.scope_requires_2fa && facts.caller.lacks_second_factor(&self.actor);
        Rights { scope_role: facts.role, lacks_second_factor, ..caller }
            .require_in_scope(Action::ManageWebhooks, &self.scope)?;
        let (id, action) = match &self.change {
            WebhookChange::Create(new) => return self.create(new, facts.webhooks),
            WebhookChange::Existing { id, action } => (*id, action),
        };
        let stored = facts.webhook.as_ref().ok_or_else(|| Self::not_found(&self.scope, id))?;
        let webhook = stored.webhook.clone();
        match action {
            WebhookAction::Update(patch) => Ok(self.update(stored, patch)),
            WebhookAction::Delete => {
                let writes = vec![WebhookWrite::Delete(webhook.id), WebhookWrite::DropDeliveries(webhook.job_kind())];
                let audit = vec![self.audit.clone()];
                Ok(DecisionOf { answer: webhook, changes: ChangesOf { writes, audit, invalidates: None } })
            }
            WebhookAction::Ping(delivery) => {
                let write = WebhookWrite::Queue(self.ping(&webhook, *delivery));
                Ok(DecisionOf { answer: webhook, changes: ChangesOf { writes: vec![write], ..ChangesOf::default() } })
            }
            WebhookAction::Redeliver(delivery) => {
                let state =
                    facts.delivery.ok_or_else(|| Error::NotFound(format!("Delivery {delivery} does not exist")))?;
                if webhook.disabled.is_some() {
                    return Err(Error::invalid_request("This webhook is disabled; enable it first"));
                }
                if state == JobState::Running {
                    return Err(Error::invalid_request("This delivery is under way; look at it in a moment"));
                }
                let write = WebhookWrite::Retry(*delivery);
                Ok(DecisionOf { answer: webhook, changes: ChangesOf { writes: vec![write], ..ChangesOf::default() } })
            }
        }
    }

    /// The error where `scope` has no webhook `id`.
    pub(crate) fn not_found(scope: &ScopeName, id: WebhookId) -> Error {
        Error::NotFound(format!("@{scope} has no webhook {id}"))
    }

    fn create(&self, new: &StoredWebhook, webhooks: u64) -> Result<DecisionOf<ScopeWebhook, WebhookWrite>> {
        if webhooks >= ScopeWebhook::MAX_PER_SCOPE {
            return Err(Error::QuotaExceeded(format!(
                "@{} has {} webhooks, which is the most; delete one first",
                self.scope,
                ScopeWebhook::MAX_PER_SCOPE
            )));
        }
        Ok(DecisionOf { answer: new.webhook.clone(), changes: self.put(new.clone()) })
    }

    fn update(&self, stored: &StoredWebhook, patch: &WebhookPatch) -> DecisionOf<ScopeWebhook, WebhookWrite> {
        let WebhookPatch { url, events, secret, enabled } = patch;
        let mut after = stored.clone();
        if let Some(url) = url {
            after.webhook.url = url.clone();
        }
        if let Some(events) = events {
            after.webhook.events.clone_from(events);
        }
        if let Some(secret) = secret {
            after.secret = secret.clone();
        }
        match enabled {
            Some(true) if stored.webhook.disabled.is_some() => {
                (after.webhook.disabled, after.webhook.failing_since) = (None, None);
            }
            Some(false) if stored.webhook.disabled.is_none() => {
                after.webhook.disabled = Some(DisabledWebhook { at: self.now, reason: DisableReason::Request });
            }
            _ => {}
        }
        let answer = after.webhook.clone();
        if after == *stored {
            return DecisionOf::unchanged(answer);
        }
        DecisionOf { answer, changes: self.put(after) }
    }

    fn put(&self, webhook: StoredWebhook) -> ChangesOf<WebhookWrite> {
        ChangesOf { writes: vec![WebhookWrite::Put(webhook)], audit: vec![self.audit.clone()], invalidates: None }
    }

    fn ping(&self, webhook: &ScopeWebhook, delivery: JobId) -> NewJob {
        let payload = json!({
            "event": NewJob::PING,
            "id": delivery.to_string(),
            "actor": self.actor.username.as_str(),
            "timestamp": self.now.as_microsecond(),
        });
        NewJob { id: delivery, kind: webhook.job_kind(), payload }
    }
}

/// What a [`WebhookReport`] is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookReportFacts {
    /// The webhook, if there is one.
    pub webhook: Option<StoredWebhook>,
}

/// How a delivery to a webhook of a scope ended, to be noted.
#[derive(Clone, Debug)]
pub struct WebhookReport {
    /// The webhook.
    pub id: WebhookId,
    /// How it ended.
    pub outcome: DeliveryOutcome,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log if this disables the webhook; the decision adds the reason.
    pub audit: NewAuditEntry,
}

impl WebhookReport {
    /// Notes it, and disables a webhook whose receiver is gone, or which
    /// failed for a week. Gives the webhook where that disabled it.
    ///
    /// # Errors
    /// None.
    pub fn decide(&self, facts: &WebhookReportFacts) -> Result<DecisionOf<Option<ScopeWebhook>, WebhookWrite>> {
        let Some(stored) = facts.webhook.as_ref().filter(|stored| stored.webhook.disabled.is_none()) else {
            return Ok(DecisionOf::unchanged(None));
        };
        let mut after = stored.clone();
        let DeliveryRecord { failing_since, disabled } =
            DeliveryRecord::after(self.outcome, stored.webhook.failing_since, self.now);
        (after.webhook.failing_since, after.webhook.disabled) = (failing_since, disabled);
        let reason = disabled.map(|disabled| disabled.reason);
        if after == *stored {
            return Ok(DecisionOf::unchanged(None));
        }
        let webhook = &after.webhook;
        let audit = reason.map(|reason| {
            let entry = self.audit.clone().with("scope", webhook.scope.as_str());
            entry.with("webhook", webhook.id.to_string()).with("reason", reason.as_str())
        });
        let answer = reason.map(|_| webhook.clone());
        let changes =
            ChangesOf { writes: vec![WebhookWrite::Put(after)], audit: audit.into_iter().collect(), invalidates: None };
        Ok(DecisionOf { answer, changes })
    }
}
