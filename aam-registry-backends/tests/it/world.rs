//! What the tests of databases start from.

use std::time::Duration;

use aam_registry_core::{
    Result,
    decide::{NewUser, PublishCommit, PublishQuotas, Published},
    ports::{Clock, CommandHandlerExt, Database, SystemClock},
    types::{
        AccountRoles, Actor, ApprovalStatus, ArchiveKey, AuditEvent, Credential, LatestPolicy, Manifest, NewAuditEntry,
        NewUpload, Sha256Digest, TagRules, UploadId, User, UserId,
    },
};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// A new user, logged in.
pub(crate) async fn actor(store: &impl Database, name: &str) -> Actor {
    let now = SystemClock.now();
    let user = User {
        id: UserId::generate(),
        username: name.parse().expect("a username"),
        email: format!("{name}@example.com"),
        roles: AccountRoles::NONE,
        email_verified: false,
        otp_enabled: false,
        disabled: false,
        created_at: now,
    };
    let credential =
        Credential::Session { id: name.to_owned(), generation: 0, expires_at: now + SignedDuration::from_hours(1) };
    let actor = Actor { user: user.id, username: user.username.clone(), credential, roles: AccountRoles::NONE };
    let audit = NewAuditEntry::new(AuditEvent::UserRegister, now).with_actor(name);
    store
        .execute(&NewUser { user, password_hash: "$test$".into(), audit, invitation: None })
        .await
        .expect("create a user");
    actor
}

/// Publishes a version of a package of one skill, with `more` keys in its manifest.
pub(crate) async fn publish(
    store: &impl Database,
    actor: &Actor,
    name: &str,
    version: &str,
    more: Value,
) -> Result<Published> {
    publish_within(Duration::from_hours(1), store, actor, name, version, more).await
}

/// As [`publish`], by an upload whose lease lasts so long.
pub(crate) async fn publish_within(
    lease: Duration,
    store: &impl Database,
    actor: &Actor,
    name: &str,
    version: &str,
    more: Value,
) -> Result<Published> {
    let mut document = json!({
        "name": name,
        "version": version,
        "description": "For tests",
        "artifacts": {"skills": [{"name": "greeter", "path": "skills/greeter"}]},
    });
    for (key, value) in more.as_object().cloned().into_iter().flatten() {
        document[key] = value;
    }
    let manifest = Manifest::from_document(document).expect("a valid manifest");
    let (upload, now) = (UploadId::generate(), SystemClock.now());
    store.begin_upload(&NewUpload { id: upload, user: actor.user, lease }).await?;
    let audit = NewAuditEntry::new(AuditEvent::PackagePublish, now).with_package(&manifest.name);
    let commit = PublishCommit {
        actor: actor.clone(),
        upload,
        archive: ArchiveKey::from(upload),
        sha256: Sha256Digest::of(upload.to_string().as_bytes()),
        archive_size: 1234,
        files: Vec::new(),
        readme: None,
        tag: None,
        approval: ApprovalStatus::Approved,
        tags: TagRules::at_most(100),
        quotas: PublishQuotas::default(),
        latest_policy: LatestPolicy::Highest,
        now,
        audit,
        manifest,
    };
    store.commit_publish(&commit).await
}
