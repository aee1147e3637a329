//! How much there may be of what accounts, scopes and packages collect.

use futures_util::future::join_all;

use super::world::{
    actor, admin, commit, entry, manifest, now, package_name, publish, refused, scope, scope_name, scoped_name, upload,
    with_roles, word,
};
use crate::{
    decide::{
        NewScope, NewToken, PublishCheck, PublishCommit, PublishQuotas, Published, QuarantineChange, QuarantineCommand,
    },
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{
        AccountRole, Actor, AuditEvent, LatestPolicy, ModerationCategory, PackageName, Sha256Digest, TagRules, Token,
        TokenId, TokenScope, TokenScopes,
    },
};

async fn publish_with(
    db: &dyn Database,
    by: &Actor,
    name: &PackageName,
    version: &str,
    quotas: PublishQuotas,
    archive_size: u64,
) -> Result<Published> {
    let commit = commit(by, upload(db, by).await, manifest(name, version));
    db.commit_publish(&PublishCommit { archive_size, quotas, ..commit }).await
}

/// The early check of a publish.
async fn check(db: &dyn Database, by: &Actor, name: &PackageName, version: &str, quotas: PublishQuotas) -> Result<()> {
    let version = version.parse().expect("a version");
    db.check_publish(&PublishCheck { actor: by.clone(), package: name.clone(), version, quotas, now: now() }).await
}

/// How many of the results are fine; the others say that there is no room.
fn made<T: std::fmt::Debug>(results: Vec<Result<T>>) -> usize {
    let (made, refusals): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    for refusal in refusals {
        refused(refusal, ErrorCode::QuotaExceeded);
    }
    made.len()
}

/// `QuotaExceeded` for one package more than a scope may have, also if several are made at once. Those that are there
/// get versions as before, also where the quota was lowered below what there is; other scopes are not concerned.
pub async fn a_scope_has_no_more_packages_than_it_may(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let three = PublishQuotas { packages_per_scope: Some(3), ..PublishQuotas::default() };
    let names: Vec<_> = (0..6).map(|_| scoped_name(&scope)).collect();
    let publishes = names.iter().map(|name| publish_with(db, &owner, name, "1.0.0", three, 1));
    let results = join_all(publishes).await;
    let there: Vec<_> = names.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(name, _)| name).collect();
    assert_eq!((there.len(), made(results)), (3, 3));
    let another = scoped_name(&scope);
    refused(check(db, &owner, &another, "1.0.0", three).await, ErrorCode::QuotaExceeded);
    let lowered = PublishQuotas { packages_per_scope: Some(1), ..three };
    for quotas in [three, lowered] {
        refused(publish_with(db, &owner, &another, "1.0.0", quotas, 1).await, ErrorCode::QuotaExceeded);
        check(db, &owner, there[0], "1.1.0", quotas).await.expect("a package that is there");
    }
    publish_with(db, &owner, there[0], "1.1.0", lowered, 1).await.expect("a package that is there");
    publish_with(db, &owner, &package_name(), "1.0.0", lowered, 1).await.expect("a package without a scope");
    let other = scoped_name(&super::world::scope(db, &owner).await);
    publish_with(db, &owner, &other, "1.0.0", lowered, 1).await.expect("another scope");
}

/// `QuotaExceeded` for more bytes in a scope than there may be, also of several publishes at once. What moderators
/// removed does not count.
pub async fn the_archives_in_a_scope_take_up_no_more_than_they_may(db: &dyn Database) {
    let (owner, moderator) = (actor(db).await, with_roles(db, AccountRole::Moderator.into()).await);
    let scope = scope(db, &owner).await;
    let (quotas, name) =
        (PublishQuotas { storage_per_scope: Some(1_000), ..PublishQuotas::default() }, scoped_name(&scope));
    publish_with(db, &owner, &name, "1.0.0", quotas, 400).await.expect("there is room");
    refused(publish_with(db, &owner, &name, "1.1.0", quotas, 601).await, ErrorCode::QuotaExceeded);
    let others: Vec<_> = (0..4).map(|_| scoped_name(&scope)).collect();
    let results = join_all(others.iter().map(|name| publish_with(db, &owner, name, "1.0.0", quotas, 300))).await;
    assert_eq!(made(results), 2, "400 and twice 300");
    refused(check(db, &owner, &name, "1.1.0", quotas).await, ErrorCode::QuotaExceeded);
    for change in [
        QuarantineChange::Impose { category: ModerationCategory::Malware, reason: "it steals".to_owned() },
        QuarantineChange::Remove,
    ] {
        refused(publish_with(db, &owner, &name, "1.1.0", quotas, 400).await, ErrorCode::QuotaExceeded);
        let audit = entry(AuditEvent::VersionQuarantine, &moderator).with_package(&name);
        let command = QuarantineCommand {
            actor: moderator.clone(),
            package: name.clone(),
            version: "1.0.0".parse().expect("a version"),
            change,
            tags: TagRules::default(),
            latest_policy: LatestPolicy::Highest,
            now: audit.timestamp,
            audit,
        };
        db.execute(&command).await.expect("moderate");
    }
    publish_with(db, &owner, &name, "1.1.0", quotas, 400).await.expect("there is room again");
}

/// `QuotaExceeded` for one version more than a package may have, also of several publishes at once, in a scope or not.
pub async fn a_package_has_no_more_versions_than_it_may(db: &dyn Database) {
    let owner = actor(db).await;
    let two = PublishQuotas { versions_per_package: Some(2), ..PublishQuotas::default() };
    for name in [package_name(), scoped_name(&scope(db, &owner).await)] {
        publish(db, &owner, &name, &["1.0.0"]).await;
        let versions = ["1.1.0", "1.2.0", "1.3.0"];
        let results = join_all(versions.map(|version| publish_with(db, &owner, &name, version, two, 1))).await;
        assert_eq!(made(results), 1);
        refused(check(db, &owner, &name, "2.0.0", two).await, ErrorCode::QuotaExceeded);
        publish(db, &owner, &name, &["2.0.0"]).await;
        refused(publish_with(db, &owner, &name, "2.1.0", two, 1).await, ErrorCode::QuotaExceeded);
    }
}

/// `QuotaExceeded` for one scope more than an account may make beside that of its name, also if several are made at
/// once; an administrator makes more.
pub async fn an_account_makes_no_more_scopes_than_it_may(db: &dyn Database) {
    let make = async |by: &Actor| {
        let audit = entry(AuditEvent::ScopeCreate, by);
        let new = NewScope { actor: by.clone(), name: scope_name(), max_scopes: Some(3), now: audit.timestamp, audit };
        db.execute(&new).await
    };
    let owner = actor(db).await;
    let results = join_all((0..6).map(|_| make(&owner))).await;
    assert_eq!(made(results), 3);
    refused(make(&owner).await, ErrorCode::QuotaExceeded);
    make(&actor(db).await).await.expect("another account");
    let admin = admin(db).await;
    let results = join_all((0..5).map(|_| make(&admin))).await;
    assert_eq!(made(results), 5);
}

/// `QuotaExceeded` for one token in force more than an account may have, also if several are made at once.
pub async fn an_account_has_no_more_tokens_than_it_may(db: &dyn Database) {
    let make = async |by: &Actor, lasts: i64| {
        let audit = entry(AuditEvent::TokenCreate, by);
        let token = Token {
            id: TokenId::generate(),
            user: by.user,
            name: "one".to_owned(),
            scopes: [TokenScope::Publish].into_iter().collect(),
            packages: Vec::new(),
            created_at: audit.timestamp,
            expires_at: Some(super::world::after(lasts)),
            last_used_at: None,
            last_used_from: None,
        };
        let (actor, secret) = (by.clone(), Sha256Digest::of(word().as_bytes()));
        db.execute(&NewToken { actor, scopes: TokenScopes::all(), token, secret, max_tokens: Some(3), audit }).await
    };
    let owner = actor(db).await;
    make(&owner, -1).await.expect("one that has expired does not count");
    let results = join_all((0..6).map(|_| make(&owner, 60))).await;
    assert_eq!(made(results), 3);
    refused(make(&owner, 60).await, ErrorCode::QuotaExceeded);
    make(&actor(db).await, 60).await.expect("another account");
    let tokens = db.tokens(&owner, now()).await.expect("read");
    let audit = entry(AuditEvent::TokenRevoke, &owner);
    db.execute(&super::world::token_revocation(&owner, tokens[0].id, &audit)).await.expect("revoke");
    make(&owner, 60).await.expect("there is room again");
}
