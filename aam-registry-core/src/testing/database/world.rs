//! Test data for the cases.

use std::{fmt::Debug, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    decide::{LogOut, NewScope, NewToken, NewUser, PublishCommit, PublishQuotas, Published, RevokeToken},
    error::{ErrorCode, Result},
    ports::{Clock, CommandHandlerExt, Database, SystemClock},
    types::{
        AccountRoles, Actor, ApprovalStatus, ArchiveFile, ArchiveKey, AuditEntry, AuditEvent, AuditFilter, Credential,
        DistTag, LatestPolicy, Manifest, NewAuditEntry, NewUpload, PackageName, PageRequest, Reach, ScopeName,
        Sha256Digest, TagRules, Token, TokenId, TokenScopes, UploadId, User, UserId, Username, Version,
    },
};

/// A word that occurs nowhere else in the database: 14 lower-case letters.
pub(super) fn word() -> String {
    rand::random::<[u8; 14]>().iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}

pub(super) fn package_name() -> PackageName {
    word().parse().expect("a package name")
}

pub(super) fn scoped_name(scope: &ScopeName) -> PackageName {
    PackageName::scoped(scope, &word()).expect("a package name")
}

pub(super) fn scope_name() -> ScopeName {
    word().parse().expect("a scope")
}

pub(super) fn v(text: &str) -> Version {
    text.parse().expect("a version")
}

pub(super) fn tag(text: &str) -> DistTag {
    text.parse().expect("a dist-tag")
}

/// The current time, with the precision of databases.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// The current time plus `seconds`.
pub(super) fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// A user who is not in the database.
pub(super) fn stranger() -> User {
    let name = word();
    User {
        id: UserId::generate(),
        username: name.parse().expect("a username"),
        email: format!("{name}@example.com"),
        roles: AccountRoles::NONE,
        email_verified: false,
        otp_enabled: false,
        disabled: false,
        created_at: now(),
    }
}

pub(super) fn new_user(user: &User) -> NewUser {
    NewUser {
        user: user.clone(),
        password_hash: format!("$test${}", user.username),
        audit: NewAuditEntry::new(AuditEvent::UserRegister, user.created_at).with_actor(user.username.as_str()),
        invitation: None,
    }
}

/// A user who is in the database.
pub(super) async fn user(db: &dyn Database) -> User {
    let user = stranger();
    db.execute(&new_user(&user)).await.expect("create a user");
    user
}

/// A disabled user.
pub(super) async fn disabled_user(db: &dyn Database) -> User {
    let user = User { disabled: true, ..stranger() };
    db.execute(&new_user(&user)).await.expect("create a user");
    user
}

/// A user with a login session.
pub(super) async fn actor(db: &dyn Database) -> Actor {
    session(&user(db).await)
}

/// An administrator whose credential allows acting as one.
pub(super) async fn admin(db: &dyn Database) -> Actor {
    with_roles(db, AccountRoles::ADMIN).await
}

/// A user with these roles, and a credential that allows acting in them.
pub(super) async fn with_roles(db: &dyn Database, roles: AccountRoles) -> Actor {
    let user = User { roles, ..stranger() };
    db.execute(&new_user(&user)).await.expect("create a user with roles");
    Actor { roles, ..session(&user) }
}

/// `user` with a new session.
pub(super) fn session(user: &User) -> Actor {
    Actor {
        user: user.id,
        username: user.username.clone(),
        credential: Credential::Session { id: word(), generation: 0, expires_at: after(3600) },
        roles: AccountRoles::NONE,
    }
}

/// The same user with a session that has been revoked.
pub(super) async fn logged_out(db: &dyn Database, actor: &Actor) -> Actor {
    let credential = Credential::Session { id: word(), generation: 0, expires_at: after(3600) };
    let actor = Actor { credential, ..actor.clone() };
    db.execute(&log_out(&actor)).await.expect("log out");
    actor
}

/// The command that ends the session of an actor.
pub(super) fn log_out(actor: &Actor) -> LogOut {
    let audit = entry(AuditEvent::UserLogout, actor);
    LogOut { actor: actor.clone(), now: audit.timestamp, audit }
}

/// The same user with a session that has expired.
pub(super) fn expired(actor: &Actor) -> Actor {
    Actor { credential: Credential::Session { id: word(), generation: 0, expires_at: after(-1) }, ..actor.clone() }
}

/// Actors whose user or credential is not valid, with the reason.
pub(super) async fn dead_actors(db: &dyn Database, alive: &Actor) -> Vec<(&'static str, Actor)> {
    let unknown_token = Credential::Token(TokenId::generate());
    vec![
        ("unknown user", session(&stranger())),
        ("disabled user", session(&disabled_user(db).await)),
        ("revoked session", logged_out(db, alive).await),
        ("expired session", expired(alive)),
        ("unknown token", Actor { credential: unknown_token, ..alive.clone() }),
        ("unknown user of the host", Actor { credential: Credential::Host, ..session(&stranger()) }),
        ("disabled user of the host", Actor { credential: Credential::Host, ..session(&disabled_user(db).await) }),
    ]
}

/// An audit entry of `event` by `actor`, now.
pub(super) fn entry(event: AuditEvent, actor: &Actor) -> NewAuditEntry {
    NewAuditEntry::new(event, now()).with_actor(actor.username.as_str())
}

/// The command that creates a scope.
pub(super) fn new_scope(actor: &Actor, name: &ScopeName, now: Timestamp, audit: &NewAuditEntry) -> NewScope {
    NewScope { actor: actor.clone(), name: name.clone(), max_scopes: None, now, audit: audit.clone() }
}

/// The command that creates a token, with a credential that allows everything.
pub(super) fn new_token(actor: &Actor, token: &Token, secret: Sha256Digest, audit: &NewAuditEntry) -> NewToken {
    let (actor, token, audit) = (actor.clone(), token.clone(), audit.clone());
    NewToken { actor, scopes: TokenScopes::all(), token, secret, max_tokens: None, audit }
}

/// The command that revokes one of the actor's tokens.
pub(super) fn token_revocation(actor: &Actor, token: TokenId, audit: &NewAuditEntry) -> RevokeToken {
    RevokeToken { actor: actor.clone(), token, audit: audit.clone() }
}

/// A scope that `owner` owns.
pub(super) async fn scope(db: &dyn Database, owner: &Actor) -> ScopeName {
    let name = scope_name();
    db.execute(&new_scope(owner, &name, now(), &entry(AuditEvent::ScopeCreate, owner))).await.expect("create a scope");
    name
}

/// The name of a user who does not exist.
pub(super) fn stranger_name() -> Username {
    stranger().username
}

/// A small manifest with one skill; `more` adds or replaces keys.
pub(super) fn manifest_with(name: &PackageName, version: &str, more: &serde_json::Value) -> Manifest {
    let mut document = json!({
        "name": name.as_str(),
        "version": version,
        "description": "For tests",
        "artifacts": {"skills": [{"name": "greeter", "path": "skills/greeter", "description": "Greets"}]},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        document[key] = value.clone();
    }
    Manifest::from_document(document).expect("a valid manifest")
}

pub(super) fn manifest(name: &PackageName, version: &str) -> Manifest {
    manifest_with(name, version, &json!({}))
}

/// A live upload of `actor`.
pub(super) async fn upload(db: &dyn Database, actor: &Actor) -> UploadId {
    let id = UploadId::generate();
    let upload = NewUpload { id, user: actor.user, lease: Duration::from_mins(10) };
    db.begin_upload(&upload).await.expect("begin an upload");
    id
}

/// A commit of `upload` with `manifest`, for a case to change.
pub(super) fn commit(actor: &Actor, upload: UploadId, manifest: Manifest) -> PublishCommit {
    let contents = format!("{upload}");
    let audit = entry(AuditEvent::PackagePublish, actor).with_package(&manifest.name).with_version(&manifest.version);
    PublishCommit {
        actor: actor.clone(),
        upload,
        archive: ArchiveKey::from(upload),
        sha256: Sha256Digest::of(contents.as_bytes()),
        archive_size: 1234,
        files: vec![ArchiveFile {
            path: "aam.yaml".to_owned(),
            size: 99,
            sha256: Sha256Digest::of(b"aam.yaml"),
            executable: false,
        }],
        readme: None,
        tag: None,
        approval: ApprovalStatus::Approved,
        tags: TagRules::at_most(100),
        quotas: PublishQuotas::default(),
        latest_policy: LatestPolicy::Highest,
        now: now(),
        audit,
        manifest,
    }
}

/// Tries to publish a version with `manifest`.
pub(super) async fn try_publish(db: &dyn Database, actor: &Actor, manifest: Manifest) -> Result<Published> {
    let upload = upload(db, actor).await;
    db.commit_publish(&commit(actor, upload, manifest)).await
}

/// Publishes versions of a package, one after the other.
pub(super) async fn publish(db: &dyn Database, actor: &Actor, name: &PackageName, versions: &[&str]) {
    for version in versions {
        try_publish(db, actor, manifest(name, version)).await.expect("publish");
    }
}

/// A user, and a package with these versions that the user owns.
pub(super) async fn published(db: &dyn Database, versions: &[&str]) -> (Actor, PackageName) {
    let (actor, name) = (actor(db).await, package_name());
    publish(db, &actor, &name, versions).await;
    (actor, name)
}

/// The version that `latest` names.
pub(super) async fn latest(db: &dyn Database, name: &PackageName) -> Option<String> {
    let package = db.package(name, Reach::Everything).await.expect("read a package").expect("a package");
    package.latest().map(ToString::to_string)
}

pub(super) fn everything() -> AuditFilter {
    let page = PageRequest { page: 1, limit: 200 };
    AuditFilter { package: None, event: None, actor: None, from: None, to: None, page }
}

/// The audit entries of a package, newest first.
pub(super) async fn audit_of(db: &dyn Database, name: &PackageName) -> Vec<AuditEntry> {
    let filter = AuditFilter { package: Some(name.clone()), ..everything() };
    db.entries(&filter).await.expect("read the audit log").items
}

/// The audit entries by a user, newest first.
pub(super) async fn audit_by(db: &dyn Database, actor: &Actor) -> Vec<AuditEntry> {
    let filter = AuditFilter { actor: Some(actor.username.to_string()), ..everything() };
    db.entries(&filter).await.expect("read the audit log").items
}

/// Asserts that `result` is the error with that code.
#[track_caller]
pub(super) fn refused<T: Debug>(result: Result<T>, code: ErrorCode) {
    match result {
        Ok(value) => panic!("expected {code:?}, got {value:?}"),
        Err(error) => assert_eq!(error.code(), code, "{error}"),
    }
}
