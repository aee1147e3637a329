//! The webhooks of scopes: what their owners do with them, and what delivers to them.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::Registry;
use crate::{
    decide::{
        Action, DeliveryOutcome, Rights, WebhookAction, WebhookById, WebhookChange, WebhookCommand, WebhookPatch,
        WebhookReport, WebhooksOfScope,
    },
    error::{Detail, Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt, SecretSealer, WebhookAnswer, WebhookMessage},
    types::{
        AuditEvent, Job, JobFilter, JobId, NewAuditEntry, Page, PageRequest, Principal, ScopeName, ScopeRole,
        ScopeWebhook, StoredWebhook, Username, WebhookId, WebhookSecret, WebhookUrl,
    },
};

/// For how long a delivery that ended is kept.
const DELIVERY_KEPT: Duration = Duration::from_hours(14 * 24);
/// How many deliveries are forgotten at a time.
const FORGET_AT_ONCE: usize = 500;

/// A webhook somebody asks for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct WebhookRequest {
    /// Where events are sent.
    pub url: String,
    /// Which are sent, such as `package.publish`; at least one.
    pub events: Vec<String>,
    /// What deliveries are signed with; a new secret where there is none.
    pub secret: Option<String>,
}

/// What somebody changes of a webhook, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct WebhookUpdate {
    /// Where events are sent.
    pub url: Option<String>,
    /// Which are sent.
    pub events: Option<Vec<String>>,
    /// What deliveries are signed with from now on.
    pub secret: Option<WebhookSecretUpdate>,
    /// Whether it is in use.
    pub enabled: Option<bool>,
}

/// Another secret of a webhook.
#[derive(Clone, Debug)]
pub enum WebhookSecretUpdate {
    /// This one.
    Given(String),
    /// A new one that the registry makes.
    Generated,
}

impl Registry {
    /// Makes a webhook of a scope. Its secret is told here and never again.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] with every fault; the refusals of
    /// [`WebhookCommand::decide`]; [`Error::Forbidden`] where this registry
    /// sends no webhooks.
    pub async fn create_webhook(
        &self,
        by: &Principal,
        scope: &ScopeName,
        request: WebhookRequest,
    ) -> Result<(ScopeWebhook, WebhookSecret)> {
        Action::ManageWebhooks.require_credential(by, None)?;
        let mut faults = Vec::new();
        let url = self.receiver_url(&request.url, &mut faults);
        let events = events(&request.events, &mut faults);
        let secret = request.secret.map_or_else(|| Some(WebhookSecret::generate()), |text| secret(&text, &mut faults));
        let (Some(url), Some(events), Some(secret)) = (url, events, secret) else { return Err(invalid(faults)) };
        let id = WebhookId::generate();
        let sealed = self.secret_sealer()?.seal(secret.expose(), &id.to_string())?;
        let audit = self.webhook_entry(AuditEvent::WebhookCreate, by, scope, id);
        let audit = with_receiver(audit, &url, &events);
        let (scope_of, created_at) = (scope.clone(), audit.timestamp);
        let webhook =
            ScopeWebhook { id, scope: scope_of, url, events, created_at, failing_since: None, disabled: None };
        let change = WebhookChange::Create(StoredWebhook { webhook, secret: sealed });
        let webhook = self.change_webhook_by(by, scope, change, audit).await?;
        tracing::info!(event = "webhook_created", user = %by.username, %scope, webhook = %id, "webhook created");
        Ok((webhook, secret))
    }

    /// Changes a webhook of a scope; gives its new secret, where it has one.
    /// One that was disabled is in use again after `enabled: true`.
    ///
    /// # Errors
    /// As for [`create_webhook`](Self::create_webhook); [`Error::NotFound`].
    pub async fn update_webhook(
        &self,
        by: &Principal,
        scope: &ScopeName,
        id: WebhookId,
        update: WebhookUpdate,
    ) -> Result<(ScopeWebhook, Option<WebhookSecret>)> {
        Action::ManageWebhooks.require_credential(by, None)?;
        let mut faults = Vec::new();
        let url = update.url.map(|text| self.receiver_url(&text, &mut faults));
        let events = update.events.map(|texts| events(&texts, &mut faults));
        let secret = update.secret.map(|update| match update {
            WebhookSecretUpdate::Given(text) => secret(&text, &mut faults),
            WebhookSecretUpdate::Generated => Some(WebhookSecret::generate()),
        });
        if !faults.is_empty() {
            return Err(invalid(faults));
        }
        let (url, events, secret, enabled) = (url.flatten(), events.flatten(), secret.flatten(), update.enabled);
        if url.is_none() && events.is_none() && secret.is_none() && enabled.is_none() {
            return Err(Error::invalid_request(
                "Nothing to change: give `url`, `events`, `secret`, `rotate_secret` or `enabled`",
            ));
        }
        let mut audit = self.webhook_entry(AuditEvent::WebhookChange, by, scope, id);
        if let Some(url) = &url {
            audit = audit.with("url", url.host());
        }
        if let Some(events) = &events {
            audit = audit.with("events", events.iter().map(|event| event.as_str()).collect::<Vec<_>>());
        }
        if secret.is_some() {
            audit = audit.with("secret", "changed");
        }
        if let Some(enabled) = enabled {
            audit = audit.with("enabled", enabled);
        }
        let keeper = self.secret_sealer()?;
        let sealed = secret.as_ref().map(|secret| keeper.seal(secret.expose(), &id.to_string())).transpose()?;
        let patch = WebhookPatch { url, events, secret: sealed, enabled };
        let change = WebhookChange::Existing { id, action: WebhookAction::Update(patch) };
        let webhook = self.change_webhook_by(by, scope, change, audit).await?;
        tracing::info!(event = "webhook_changed", user = %by.username, %scope, webhook = %id, "webhook changed");
        Ok((webhook, secret))
    }

    /// Deletes a webhook of a scope, and what was to be sent to it.
    ///
    /// # Errors
    /// The refusals of [`WebhookCommand::decide`].
    pub async fn delete_webhook(&self, by: &Principal, scope: &ScopeName, id: WebhookId) -> Result<()> {
        Action::ManageWebhooks.require_credential(by, None)?;
        let audit = self.webhook_entry(AuditEvent::WebhookDelete, by, scope, id);
        self.change_webhook_by(by, scope, WebhookChange::Existing { id, action: WebhookAction::Delete }, audit).await?;
        tracing::info!(event = "webhook_deleted", user = %by.username, %scope, webhook = %id, "webhook deleted");
        Ok(())
    }

    /// Queues a message that tells of nothing, also to a webhook that is
    /// disabled; gives its delivery. It is tried once.
    ///
    /// # Errors
    /// As for [`update_webhook`](Self::update_webhook).
    pub async fn ping_webhook(&self, by: &Principal, scope: &ScopeName, id: WebhookId) -> Result<Job> {
        Action::ManageWebhooks.require_credential(by, None)?;
        self.secret_sealer()?;
        let delivery = JobId::generate();
        let audit = self.webhook_entry(AuditEvent::WebhookChange, by, scope, id);
        let change = WebhookChange::Existing { id, action: WebhookAction::Ping(delivery) };
        self.change_webhook_by(by, scope, change, audit).await?;
        self.delivery(delivery).await
    }

    /// Sends a delivery again, at once and with the same id; gives the delivery.
    ///
    /// # Errors
    /// The refusals of [`WebhookCommand::decide`].
    pub async fn redeliver(&self, by: &Principal, scope: &ScopeName, delivery: JobId) -> Result<Job> {
        self.require_in_scope(Action::ManageWebhooks, by, scope).await?;
        let unknown = || Error::NotFound(format!("@{scope} has no delivery {delivery}"));
        let job = self.find_delivery(delivery).await?.ok_or_else(unknown)?;
        let of_kind = ScopeWebhook::of_kind(&job.kind).filter(|(of, _)| of == scope);
        let (_, id) = of_kind.ok_or_else(unknown)?;
        let audit = self.webhook_entry(AuditEvent::WebhookChange, by, scope, id);
        let change = WebhookChange::Existing { id, action: WebhookAction::Redeliver(delivery) };
        self.change_webhook_by(by, scope, change, audit).await?;
        self.delivery(delivery).await
    }

    /// The webhooks of a scope, oldest first.
    ///
    /// # Errors
    /// [`Error::ScopeNotFound`], [`Error::Forbidden`].
    pub async fn scope_webhooks(&self, by: &Principal, scope: &ScopeName) -> Result<Vec<ScopeWebhook>> {
        self.require_in_scope(Action::ReadWebhooks, by, scope).await?;
        self.webhooks_of(scope).await
    }

    /// A webhook of a scope.
    ///
    /// # Errors
    /// [`Error::ScopeNotFound`], [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn scope_webhook(&self, by: &Principal, scope: &ScopeName, id: WebhookId) -> Result<ScopeWebhook> {
        self.require_in_scope(Action::ReadWebhooks, by, scope).await?;
        let found = self.inner().queries.ask(WebhookById(id)).await?.filter(|stored| stored.webhook.scope == *scope);
        found.map(|stored| stored.webhook).ok_or_else(|| WebhookCommand::not_found(scope, id))
    }

    /// The deliveries to a webhook of a scope, newest first: those that wait,
    /// and those that ended in the last two weeks.
    ///
    /// # Errors
    /// As for [`scope_webhook`](Self::scope_webhook).
    pub async fn webhook_deliveries(
        &self,
        by: &Principal,
        scope: &ScopeName,
        id: WebhookId,
        page: PageRequest,
    ) -> Result<Page<Job>> {
        let webhook = self.scope_webhook(by, scope, id).await?;
        let kind = Some(webhook.job_kind());
        self.inner()
            .jobs
            .jobs(&JobFilter { id: None, kind, state: None, with_done: true, newest_first: true, page })
            .await
    }

    /// Whether webhooks of scopes can be made and are delivered.
    pub fn has_scope_webhooks(&self) -> bool {
        self.inner().secrets.is_some() && self.delivers_webhooks()
    }

    async fn require_in_scope(&self, action: Action, by: &Principal, scope: &ScopeName) -> Result<()> {
        action.require_credential(by, None)?;
        let found = self.unrestricted().scope(scope).await?;
        let role = found.members.iter().find(|member| member.username == by.username).map(|member| member.role);
        let rights = Rights { scope_role: role, ..Rights::of_account(by.acting_roles()) };
        rights.require_in_scope(action, scope)
    }

    async fn change_webhook_by(
        &self,
        by: &Principal,
        scope: &ScopeName,
        change: WebhookChange,
        audit: NewAuditEntry,
    ) -> Result<ScopeWebhook> {
        let (actor, scope, now) = (by.actor(), scope.clone(), audit.timestamp);
        self.inner().commands.execute(&WebhookCommand { actor, scope, change, now, audit }).await
    }

    fn webhook_entry(&self, event: AuditEvent, by: &Principal, scope: &ScopeName, id: WebhookId) -> NewAuditEntry {
        self.entry_by(event, by).with("scope", scope.as_str()).with("webhook", id.to_string())
    }

    /// An address to which webhooks can be sent, as far as the address itself tells.
    fn receiver_url(&self, text: &str, faults: &mut Vec<Detail>) -> Option<WebhookUrl> {
        let refusal = |url: &WebhookUrl| self.inner().webhook_sender.as_ref().and_then(|sender| sender.refusal(url));
        let checked = WebhookUrl::parse(text).map_err(str::to_owned).and_then(|url| match refusal(&url) {
            Some(refusal) => Err(refusal),
            None => Ok(url),
        });
        checked.map_err(|wrong| faults.push(Detail::new("url", wrong))).ok()
    }

    async fn find_delivery(&self, id: JobId) -> Result<Option<Job>> {
        let page = PageRequest { page: 1, limit: 1 };
        let filter = JobFilter { id: Some(id), kind: None, state: None, with_done: true, newest_first: false, page };
        Ok(self.inner().jobs.jobs(&filter).await?.items.pop())
    }

    async fn delivery(&self, id: JobId) -> Result<Job> {
        let found = self.find_delivery(id).await?;
        found.ok_or_else(|| Error::NotFound(format!("Delivery {id} does not exist any more")))
    }

    fn secret_sealer(&self) -> Result<&Arc<dyn SecretSealer>> {
        let sealer = self.inner().secrets.as_ref().filter(|_| self.delivers_webhooks());
        sealer.ok_or_else(|| Error::forbidden("This registry sends no webhooks of scopes; ask its administrator"))
    }
}

/// What delivers webhooks asks of the registry.
impl Registry {
    /// The instant, by the registry's clock.
    pub(crate) fn clock_now(&self) -> Timestamp {
        self.now()
    }

    /// Whether something sends webhooks.
    pub(crate) fn delivers_webhooks(&self) -> bool {
        self.inner().webhook_sender.is_some()
    }

    /// The owners of a scope, by name; nobody where there is no such scope.
    pub(crate) async fn owners_of_scope(&self, scope: &ScopeName) -> Result<Vec<Username>> {
        let found = match self.unrestricted().scope(scope).await {
            Err(Error::ScopeNotFound(_)) => return Ok(Vec::new()),
            found => found?,
        };
        let owners = found.members.into_iter().filter(|member| member.role == ScopeRole::Owner);
        Ok(owners.map(|member| member.username).collect())
    }

    pub(crate) async fn webhooks_of(&self, scope: &ScopeName) -> Result<Vec<ScopeWebhook>> {
        self.inner().queries.ask(WebhooksOfScope(scope.clone())).await
    }

    /// The webhook `id` of `scope` with its secret, where there is one.
    pub(crate) async fn webhook_to_deliver(
        &self,
        scope: &ScopeName,
        id: WebhookId,
    ) -> Result<Option<(ScopeWebhook, WebhookSecret)>> {
        let Some(StoredWebhook { webhook, secret }) = self.inner().queries.ask(WebhookById(id)).await? else {
            return Ok(None);
        };
        if webhook.scope != *scope {
            return Ok(None);
        }
        let opened = self.secret_sealer()?.open(&secret, &id.to_string())?;
        let secret = WebhookSecret::parse(&opened).map_err(Error::internal)?;
        Ok(Some((webhook, secret)))
    }

    pub(crate) async fn send_webhook(&self, message: &WebhookMessage<'_>) -> Result<WebhookAnswer, String> {
        match &self.inner().webhook_sender {
            Some(sender) => sender.send(message).await,
            None => Err("this server sends no webhooks".to_owned()),
        }
    }

    /// Notes how a delivery ended, and tells of a webhook that was disabled by it.
    pub(crate) async fn report_delivery(&self, id: WebhookId, outcome: DeliveryOutcome) -> Result<()> {
        let audit = NewAuditEntry::new(AuditEvent::WebhookDisable, self.now());
        let report = WebhookReport { id, outcome, now: audit.timestamp, audit };
        let Some(webhook) = self.inner().commands.execute(&report).await? else { return Ok(()) };
        let reason = webhook.disabled.map_or("", |disabled| disabled.reason.as_str());
        metrics::counter!("aam_webhooks_disabled_total", "reason" => reason).increment(1);
        tracing::warn!(
            event = "webhook_disabled",
            scope = %webhook.scope,
            webhook = %id,
            reason,
            "a webhook of a scope was disabled; an owner of the scope can enable it again",
        );
        Ok(())
    }

    /// Forgets deliveries to webhooks that ended long ago, also those that were given up.
    pub(crate) async fn forget_deliveries(&self) -> Result<()> {
        let jobs = &self.inner().jobs;
        while jobs.forget_jobs("webhook:", DELIVERY_KEPT, FORGET_AT_ONCE).await? >= FORGET_AT_ONCE as u64 {}
        Ok(())
    }
}

fn secret(text: &str, faults: &mut Vec<Detail>) -> Option<WebhookSecret> {
    WebhookSecret::parse(text).map_err(|wrong| faults.push(Detail::new("secret", wrong))).ok()
}

/// Events as they are kept: each once, in the order of [`AuditEvent::ALL`].
fn events(texts: &[String], faults: &mut Vec<Detail>) -> Option<Vec<AuditEvent>> {
    let before = faults.len();
    for text in texts {
        if AuditEvent::parse(text).is_none_or(|event| !event.is_of_scope()) {
            let text: String = text.chars().take(64).collect();
            let known: Vec<_> = AuditEvent::of_scopes().map(AuditEvent::as_str).collect();
            faults.push(Detail::new("events", format!("`{text}` is none of {}", known.join(", "))));
        }
    }
    if texts.is_empty() {
        faults.push(Detail::new("events", "is empty; name an event, such as `package.publish`"));
    }
    let chosen = |event: &AuditEvent| texts.iter().any(|text| text == event.as_str());
    (faults.len() == before).then(|| AuditEvent::of_scopes().filter(chosen).collect())
}

fn invalid(details: Vec<Detail>) -> Error {
    Error::InvalidRequest { message: "The webhook cannot be as asked; see the details".into(), details }
}

/// What an entry tells of a receiver. The path of the address may be a secret.
fn with_receiver(audit: NewAuditEntry, url: &WebhookUrl, events: &[AuditEvent]) -> NewAuditEntry {
    let events: Vec<_> = events.iter().map(|event| event.as_str()).collect();
    audit.with("url", url.host()).with("events", events)
}
