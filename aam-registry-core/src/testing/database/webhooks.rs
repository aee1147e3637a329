//! The webhooks of scopes.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::world::{actor, admin, audit_by, dead_actors, entry, now, refused, scope, scope_name};
use crate::{
    decide::{
        DeliveryOutcome, EnableOperatorWebhook, MemberChange, OperatorWebhookReport, OperatorWebhookStates,
        WebhookAction, WebhookById, WebhookChange, WebhookCommand, WebhookPatch, WebhookReport, WebhooksOfScope,
    },
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database, QueryHandlerExt},
    types::{
        AccountRoles, Actor, AuditEvent, DisableReason, Job, JobFilter, JobId, JobSelection, JobState, NewAuditEntry,
        NewJob, OperatorWebhookState, PageRequest, ScopeName, ScopeRole, ScopeWebhook, SealedSecret, StoredWebhook,
        WebhookId, WebhookName, WebhookUrl,
    },
};

fn url(path: &str) -> WebhookUrl {
    WebhookUrl::parse(&format!("https://hooks.example/{path}")).expect("an address")
}

fn new_webhook(scope: &ScopeName) -> StoredWebhook {
    let webhook = ScopeWebhook {
        id: WebhookId::generate(),
        scope: scope.clone(),
        url: url("first"),
        events: vec![AuditEvent::PackagePublish, AuditEvent::TagSet],
        created_at: now(),
        failing_since: None,
        disabled: None,
    };
    StoredWebhook { webhook, secret: SealedSecret::new("sealed \u{e9}") }
}

fn command(by: &Actor, scope: &ScopeName, change: WebhookChange) -> WebhookCommand {
    let event = match change {
        WebhookChange::Create(_) => AuditEvent::WebhookCreate,
        WebhookChange::Existing { action: WebhookAction::Delete, .. } => AuditEvent::WebhookDelete,
        WebhookChange::Existing { .. } => AuditEvent::WebhookChange,
    };
    WebhookCommand { actor: by.clone(), scope: scope.clone(), change, now: now(), audit: entry(event, by) }
}

async fn run(db: &dyn Database, by: &Actor, scope: &ScopeName, change: WebhookChange) -> Result<ScopeWebhook> {
    db.execute(&command(by, scope, change)).await
}

/// A webhook of `scope`.
async fn made(db: &dyn Database, owner: &Actor, scope: &ScopeName) -> ScopeWebhook {
    run(db, owner, scope, WebhookChange::Create(new_webhook(scope))).await.expect("create")
}

fn update(id: WebhookId) -> WebhookChange {
    patch(id, WebhookPatch { url: Some(url("second")), ..WebhookPatch::default() })
}

fn enable(id: WebhookId, enabled: bool) -> WebhookChange {
    patch(id, WebhookPatch { enabled: Some(enabled), ..WebhookPatch::default() })
}

fn patch(id: WebhookId, patch: WebhookPatch) -> WebhookChange {
    WebhookChange::Existing { id, action: WebhookAction::Update(patch) }
}

fn delete(id: WebhookId) -> WebhookChange {
    WebhookChange::Existing { id, action: WebhookAction::Delete }
}

fn ping(id: WebhookId, delivery: JobId) -> WebhookChange {
    WebhookChange::Existing { id, action: WebhookAction::Ping(delivery) }
}

fn redeliver(id: WebhookId, delivery: JobId) -> WebhookChange {
    WebhookChange::Existing { id, action: WebhookAction::Redeliver(delivery) }
}

/// Every change of `webhook` that its owner may make.
fn changes(webhook: &ScopeWebhook) -> Vec<WebhookChange> {
    let id = webhook.id;
    vec![
        WebhookChange::Create(new_webhook(&webhook.scope)),
        update(id),
        ping(id, JobId::generate()),
        redeliver(id, JobId::generate()),
        delete(id),
    ]
}

async fn deliveries(db: &dyn Database, webhook: &ScopeWebhook) -> Vec<Job> {
    let (kind, page) = (Some(webhook.job_kind()), PageRequest { page: 1, limit: 50 });
    let filter = JobFilter { id: None, kind, state: None, with_done: true, newest_first: false, page };
    db.jobs(&filter).await.expect("list").items
}

/// How many audit entries about webhooks `actor` has.
async fn recorded(db: &dyn Database, actor: &Actor) -> usize {
    let of_webhooks = [AuditEvent::WebhookCreate, AuditEvent::WebhookChange, AuditEvent::WebhookDelete];
    audit_by(db, actor).await.iter().filter(|one| of_webhooks.contains(&one.entry.event)).count()
}

async fn found(db: &dyn Database, id: WebhookId) -> ScopeWebhook {
    db.ask(WebhookById(id)).await.expect("read").expect("a webhook").webhook
}

/// A webhook is made, changed field by field, disabled and enabled, and deleted; each is in the audit log.
pub async fn webhooks_come_and_change_and_go(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let new = new_webhook(&scope);
    let id = new.webhook.id;
    assert_eq!(run(db, &owner, &scope, WebhookChange::Create(new.clone())).await.expect("create"), new.webhook);
    assert_eq!(db.ask(WebhookById(id)).await.expect("read"), Some(new.clone()));
    let second = made(db, &owner, &scope).await;
    assert_eq!(db.ask(WebhooksOfScope(scope.clone())).await.expect("list"), [new.webhook.clone(), second.clone()]);

    let mut expected = new.webhook;
    expected.url = url("second");
    assert_eq!(run(db, &owner, &scope, update(id)).await.expect("update"), expected);
    assert_eq!(run(db, &owner, &scope, update(id)).await.expect("nothing to do"), expected);
    expected.events = vec![AuditEvent::VersionYank];
    let secret = SealedSecret::new("another");
    let (events, sealed) = (Some(expected.events.clone()), Some(secret.clone()));
    let change = WebhookPatch { events, secret: sealed, ..WebhookPatch::default() };
    run(db, &owner, &scope, patch(id, change)).await.expect("update");
    let stored = StoredWebhook { webhook: expected.clone(), secret };
    assert_eq!(db.ask(WebhookById(id)).await.expect("read"), Some(stored));

    let disabled = run(db, &owner, &scope, enable(id, false)).await.expect("disable");
    assert_eq!(disabled.disabled.map(|disabled| disabled.reason), Some(DisableReason::Request));
    assert_eq!(found(db, id).await, disabled);
    assert_eq!(run(db, &owner, &scope, enable(id, true)).await.expect("enable"), expected);

    run(db, &owner, &scope, delete(id)).await.expect("delete");
    assert_eq!(db.ask(WebhookById(id)).await.expect("read"), None);
    assert_eq!(db.ask(WebhooksOfScope(scope.clone())).await.expect("list"), [second]);
    refused(run(db, &owner, &scope, delete(id)).await, ErrorCode::NotFound);
    assert_eq!(recorded(db, &owner).await, 7, "what changes nothing is not recorded");
}

/// `Forbidden` for members, contributors and others; an administrator may.
pub async fn only_owners_manage_webhooks(db: &dyn Database) {
    let (owner, member, contributor, other) = (actor(db).await, actor(db).await, actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    for (user, role) in [(&member, ScopeRole::Member), (&contributor, ScopeRole::Contributor)] {
        let change = MemberChange {
            max_members: 100,
            actor: owner.clone(),
            scope: scope.clone(),
            member: user.username.clone(),
            role: Some(role),
            now: now(),
            audit: entry(AuditEvent::ScopeMemberSet, &owner),
        };
        db.execute(&change).await.expect("set");
    }
    let webhook = made(db, &owner, &scope).await;
    for by in [&member, &contributor, &other] {
        for change in changes(&webhook) {
            refused(run(db, by, &scope, change).await, ErrorCode::Forbidden);
        }
        assert_eq!(recorded(db, by).await, 0);
    }
    let admin = admin(db).await;
    let plain = Actor { roles: AccountRoles::NONE, ..admin.clone() };
    refused(run(db, &plain, &scope, update(webhook.id)).await, ErrorCode::Forbidden);
    run(db, &admin, &scope, update(webhook.id)).await.expect("an administrator");
    refused(run(db, &owner, &scope_name(), update(webhook.id)).await, ErrorCode::ScopeNotFound);
}

/// `QuotaExceeded` for one more, also of several that are made at once.
pub async fn a_scope_has_few_webhooks(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let (owner, of) = (&owner, &scope);
    let results = join_all(
        (0..ScopeWebhook::MAX_PER_SCOPE + 3)
            .map(|_| async move { run(db, owner, of, WebhookChange::Create(new_webhook(of))).await }),
    )
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count() as u64, ScopeWebhook::MAX_PER_SCOPE);
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::QuotaExceeded);
    }
    let webhooks = db.ask(WebhooksOfScope(scope.clone())).await.expect("list");
    run(db, owner, of, delete(webhooks[0].id)).await.expect("delete");
    made(db, owner, of).await;
}

/// `Unauthorized` for whoever has no valid credential any more.
pub async fn a_dead_credential_changes_no_webhook(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let webhook = made(db, &owner, &scope).await;
    for (why, dead) in dead_actors(db, &owner).await {
        let result = run(db, &dead, &scope, update(webhook.id)).await;
        assert_eq!(result.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{why}");
    }
    assert_eq!(found(db, webhook.id).await, webhook);
}

/// The owner of another scope does not reach it.
pub async fn a_webhook_is_of_one_scope(db: &dyn Database) {
    let (owner, other) = (actor(db).await, actor(db).await);
    let (mine, theirs) = (scope(db, &owner).await, scope(db, &other).await);
    let webhook = made(db, &owner, &mine).await;
    for change in changes(&webhook).into_iter().skip(1) {
        refused(run(db, &other, &theirs, change).await, ErrorCode::NotFound);
    }
    assert_eq!(db.ask(WebhooksOfScope(theirs.clone())).await.expect("list"), []);
    assert_eq!(found(db, webhook.id).await, webhook);
}

/// A test and a delivery to be sent again are jobs of the webhook's kind.
pub async fn a_ping_and_a_redelivery_are_queued(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let webhook = made(db, &owner, &scope).await;
    let (id, delivery) = (webhook.id, JobId::generate());
    run(db, &owner, &scope, ping(id, delivery)).await.expect("ping");
    let queued = deliveries(db, &webhook).await;
    let [job] = &*queued else { panic!("one delivery: {queued:?}") };
    assert_eq!((job.id, job.state, &job.payload["event"]), (delivery, JobState::Waiting, &NewJob::PING.into()));

    let lease = crate::types::JobLease::generate();
    let held = db.lease_jobs(&webhook.job_kind(), 1, lease, std::time::Duration::from_hours(1)).await.expect("lease");
    let again = redeliver(id, delivery);
    refused(run(db, &owner, &scope, again.clone()).await, ErrorCode::InvalidRequest);
    assert!(db.finish_job(&held[0], &crate::types::JobEnd::Kept).await.expect("finish"));
    run(db, &owner, &scope, again.clone()).await.expect("send it again");
    let queued = deliveries(db, &webhook).await;
    assert_eq!((queued[0].id, queued[0].state, queued[0].attempts), (delivery, JobState::Waiting, 0));

    run(db, &owner, &scope, enable(id, false)).await.expect("disable");
    refused(run(db, &owner, &scope, again).await, ErrorCode::InvalidRequest);
    let unknown = redeliver(id, JobId::generate());
    refused(run(db, &owner, &scope, unknown).await, ErrorCode::NotFound);
    let other = made(db, &owner, &scope).await;
    let of_other = redeliver(other.id, delivery);
    refused(run(db, &owner, &scope, of_other).await, ErrorCode::NotFound);
}

/// Nothing is left to send to a webhook that was deleted; other jobs stay.
pub async fn a_deleted_webhook_takes_its_deliveries_along(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let (gone, stays) = (made(db, &owner, &scope).await, made(db, &owner, &scope).await);
    for webhook in [&gone, &stays] {
        run(db, &owner, &scope, ping(webhook.id, JobId::generate())).await.expect("ping");
    }
    run(db, &owner, &scope, delete(gone.id)).await.expect("delete");
    assert_eq!(deliveries(db, &gone).await, []);
    assert_eq!(deliveries(db, &stays).await.len(), 1);
    db.drop_jobs(&JobSelection::Ids(vec![deliveries(db, &stays).await[0].id])).await.expect("drop");
}

fn report(id: WebhookId, outcome: DeliveryOutcome, at: Timestamp) -> WebhookReport {
    WebhookReport { id, outcome, now: at, audit: NewAuditEntry::new(AuditEvent::WebhookDisable, at) }
}

/// The event of an entry is queued with it.
async fn is_queued(db: &dyn Database, entry: &NewAuditEntry) -> bool {
    let page = PageRequest { page: 1, limit: 1 };
    let id = Some(entry.id.into());
    let filter = JobFilter { id, kind: None, state: None, with_done: false, newest_first: false, page };
    db.jobs(&filter).await.expect("list").total == 1
}

/// A receiver that is gone disables its webhook at once, with an entry of the audit log; the owner enables it again.
pub async fn a_webhook_is_disabled_when_its_receiver_is_gone(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let webhook = made(db, &owner, &scope).await;
    let gone = report(webhook.id, DeliveryOutcome::Gone, now());
    let disabled = db.execute(&gone).await.expect("report").expect("disabled");
    assert_eq!(disabled.disabled.map(|one| (one.at, one.reason)), Some((gone.now, DisableReason::Gone)));
    assert_eq!(found(db, webhook.id).await, disabled);
    assert!(is_queued(db, &gone.audit).await);
    let again = report(webhook.id, DeliveryOutcome::Gone, now());
    assert_eq!(db.execute(&again).await.expect("report"), None, "it is disabled already");
    assert!(!is_queued(db, &again.audit).await);
    assert_eq!(run(db, &owner, &scope, enable(webhook.id, true)).await.expect("enable"), webhook);
    let of_nobody = report(WebhookId::generate(), DeliveryOutcome::Gone, now());
    assert_eq!(db.execute(&of_nobody).await.expect("report"), None);
}

/// A week of failures disables it, unless something was received in between.
pub async fn a_webhook_is_disabled_after_a_week_of_failures(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let webhook = made(db, &owner, &scope).await;
    let start = now();
    let day = |days: i64| start + SignedDuration::from_hours(24 * days);
    let note = async |outcome, at| db.execute(&report(webhook.id, outcome, at)).await.expect("report");
    assert_eq!(note(DeliveryOutcome::Failed, day(0)).await, None);
    assert_eq!(found(db, webhook.id).await.failing_since, Some(day(0)));
    assert_eq!(note(DeliveryOutcome::Failed, day(6)).await, None);
    assert_eq!(found(db, webhook.id).await.failing_since, Some(day(0)));
    assert_eq!(note(DeliveryOutcome::Received, day(6)).await, None);
    assert_eq!(found(db, webhook.id).await.failing_since, None);
    assert_eq!(note(DeliveryOutcome::Failed, day(8)).await, None);
    let disabled = note(DeliveryOutcome::Failed, day(15)).await.expect("disabled");
    assert_eq!(disabled.disabled.map(|one| one.reason), Some(DisableReason::Failing));
    let enabled = run(db, &owner, &scope, enable(webhook.id, true)).await.expect("enable");
    assert_eq!((enabled.failing_since, enabled.disabled), (None, None));
}

fn operator_report(name: &WebhookName, configuration: &str, outcome: DeliveryOutcome) -> OperatorWebhookReport {
    let (name, configuration, at) = (name.clone(), configuration.to_owned(), now());
    OperatorWebhookReport {
        name,
        configuration,
        outcome,
        now: at,
        audit: NewAuditEntry::new(AuditEvent::WebhookDisable, at),
    }
}

async fn operator_state(db: &dyn Database, name: &WebhookName) -> Option<OperatorWebhookState> {
    let states = db.ask(OperatorWebhookStates(())).await.expect("list");
    states.into_iter().find(|state| state.name == *name)
}

/// A webhook of the operator whose receiver is gone, or which failed for a week, is disabled until its configuration
/// changes or the operator enables it.
pub async fn a_webhook_of_the_operator_is_disabled_and_enabled(db: &dyn Database) {
    let name = WebhookName::parse(&format!("ci-{}", WebhookId::generate())).expect("a name");
    let received = operator_report(&name, "first", DeliveryOutcome::Received);
    assert_eq!(db.execute(&received).await.expect("report"), None);
    assert_eq!(operator_state(db, &name).await, None, "nothing to remember");

    let gone = operator_report(&name, "first", DeliveryOutcome::Gone);
    let disabled = db.execute(&gone).await.expect("report").expect("disabled");
    assert_eq!(disabled.disabled.map(|one| (one.at, one.reason)), Some((gone.now, DisableReason::Gone)));
    assert_eq!(operator_state(db, &name).await, Some(disabled));
    assert!(is_queued(db, &gone.audit).await);
    let again = operator_report(&name, "first", DeliveryOutcome::Gone);
    assert_eq!(db.execute(&again).await.expect("report"), None, "it is disabled already");

    let changed = operator_report(&name, "second", DeliveryOutcome::Failed);
    assert_eq!(db.execute(&changed).await.expect("report"), None);
    let state = operator_state(db, &name).await.expect("a state");
    assert_eq!((state.failing_since, state.disabled), (Some(changed.now), None), "another configuration is new");
    let mut later = operator_report(&name, "second", DeliveryOutcome::Failed);
    later.now += SignedDuration::from_hours(24 * 7);
    let disabled = db.execute(&later).await.expect("report").expect("disabled");
    assert_eq!(disabled.disabled.map(|one| one.reason), Some(DisableReason::Failing));

    let enable =
        || EnableOperatorWebhook { name: name.clone(), audit: NewAuditEntry::new(AuditEvent::WebhookChange, now()) };
    let first = enable();
    assert!(db.execute(&first).await.expect("enable"));
    assert!(is_queued(db, &first.audit).await);
    assert_eq!(operator_state(db, &name).await, None);
    assert!(!db.execute(&enable()).await.expect("enable"), "it is in use");
}
