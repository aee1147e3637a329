//! Trusted publishers, their tokens, and ID tokens.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::world::{
    actor, after, audit_of, commit, entry, manifest, manifest_with, now, package_name, publish, published, refused,
    scope, scoped_name, try_publish, upload, v, word,
};
use crate::{
    decide::{
        AccountActor, DeleteAccount, PublishCommit, PublisherChange, PublisherCommand, PublisherQuery,
        RevokePublisherToken, TokenExchange,
    },
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database, PublisherBySecret, PublisherFactsOf, QueryHandlerExt},
    types::{
        AccountRoles, Actor, ApprovalStatus, AuditEvent, Credential, IdToken, Issuer, PackageName, PackagePublishers,
        PublisherId, PublisherPreset, PublisherSecret, PublisherTokenId, Reach, Sha256Digest, TrustedPublisher,
        Username,
    },
};

fn pairs(claims: &[(&str, &str)]) -> BTreeMap<String, String> {
    claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A publisher of `package` for a repository.
fn publisher(by: &Actor, package: &PackageName, repository: &str) -> TrustedPublisher {
    let workflow = format!("{repository}/.github/workflows/publish.yml");
    TrustedPublisher {
        id: PublisherId::generate(),
        package: package.clone(),
        issuer: Issuer::parse(Issuer::GITHUB).expect("an issuer"),
        preset: PublisherPreset::GitHub,
        claims: pairs(&[("repository", repository), ("job_workflow_ref", &workflow)]),
        pinned: BTreeMap::new(),
        pending: false,
        created_at: now(),
        created_by: by.user,
    }
}

async fn change(
    db: &dyn Database,
    by: &Actor,
    package: &PackageName,
    change: PublisherChange,
) -> Result<Option<TrustedPublisher>> {
    let event = match change {
        PublisherChange::Add(_) => AuditEvent::PublisherAdd,
        PublisherChange::Remove(_) => AuditEvent::PublisherRemove,
        PublisherChange::SetOnly(_) => AuditEvent::PolicySet,
    };
    let audit = entry(event, by).with_package(package);
    let command = PublisherCommand { actor: by.clone(), package: package.clone(), change, now: audit.timestamp, audit };
    db.execute(&command).await
}

async fn add(db: &dyn Database, by: &Actor, package: &PackageName, repository: &str) -> TrustedPublisher {
    let new = publisher(by, package, repository);
    change(db, by, package, PublisherChange::Add(new)).await.expect("added").expect("a publisher")
}

async fn publishers(db: &dyn Database, by: &Actor, package: &PackageName) -> Result<PackagePublishers> {
    let query = PublisherQuery { actor: by.clone(), package: package.clone(), now: now() };
    query.decide(&db.ask(PublisherFactsOf(query.clone())).await?)
}

fn id_token(repository: &str, repository_id: &str) -> IdToken {
    let workflow = format!("{repository}/.github/workflows/publish.yml@refs/heads/main");
    IdToken {
        issuer: Issuer::parse(Issuer::GITHUB).expect("an issuer"),
        subject: format!("repo:{repository}:ref:refs/heads/main"),
        id: Some(word()),
        digest: Sha256Digest::of(word().as_bytes()),
        ends_at: after(3000),
        claims: pairs(&[
            ("repository", repository),
            ("job_workflow_ref", &workflow),
            ("repository_id", repository_id),
            ("repository_owner_id", "7"),
            ("\u{0}odd", "\u{0}"),
        ]),
    }
}

fn exchange_of(id_token: IdToken, package: Option<&PackageName>) -> (TokenExchange, PublisherSecret) {
    let secret = PublisherSecret::generate();
    let (token, digest) = (PublisherTokenId::generate(), secret.digest());
    let exchange = TokenExchange { id_token, package: package.cloned(), token, secret: digest, expires_at: after(900) };
    (exchange, secret)
}

/// Swaps an ID token, and acts with what it was swapped for.
async fn acting(db: &dyn Database, id_token: IdToken) -> Result<Actor> {
    let (exchange, secret) = exchange_of(id_token, None);
    db.execute(&exchange).await?;
    let holder = db.ask(PublisherBySecret(secret.digest())).await?.expect("a holder");
    let credential =
        Credential::Publisher { publisher: holder.token.publisher, token: holder.token.id, name: holder.token.name };
    let user = uuid::Uuid::from(holder.token.publisher).into();
    Ok(Actor { user, username: Username::trusted_publisher(), credential, roles: AccountRoles::NONE })
}

/// Publishers are added once, listed oldest first, and removed; each change is on record.
pub async fn trusted_publishers_come_and_go(db: &dyn Database) {
    let (ada, kit) = published(db, &["1.0.0"]).await;
    assert_eq!(publishers(db, &ada, &kit).await.expect("read"), PackagePublishers::default());
    let (one, two) = (add(db, &ada, &kit, "acme/one").await, add(db, &ada, &kit, "acme/two").await);
    assert_eq!(add(db, &ada, &kit, "acme/one").await, one, "it is there already");
    assert_eq!(publishers(db, &ada, &kit).await.expect("read").publishers, [one.clone(), two.clone()]);
    let eve = actor(db).await;
    refused(publishers(db, &eve, &kit).await, ErrorCode::Forbidden);
    refused(change(db, &eve, &kit, PublisherChange::Remove(one.id)).await, ErrorCode::Forbidden);
    change(db, &ada, &kit, PublisherChange::Remove(one.id)).await.expect("removed");
    refused(change(db, &ada, &kit, PublisherChange::Remove(one.id)).await, ErrorCode::NotFound);
    assert_eq!(publishers(db, &ada, &kit).await.expect("read").publishers, [two]);
    let events: Vec<_> = audit_of(db, &kit).await.iter().map(|one| one.entry.event).take(3).collect();
    assert_eq!(events, [AuditEvent::PublisherRemove, AuditEvent::PublisherAdd, AuditEvent::PublisherAdd]);
}

/// A publisher publishes its package under its own name, nothing else, and nothing after it was removed.
pub async fn a_trusted_publisher_publishes_until_it_is_removed(db: &dyn Database) {
    let (ada, kit) = published(db, &["1.0.0"]).await;
    let repository = format!("acme/{}", word());
    let added = add(db, &ada, &kit, &repository).await;
    let by = acting(db, id_token(&repository, "1")).await.expect("swapped");
    try_publish(db, &by, manifest(&kit, "1.1.0")).await.expect("published");
    let detail = db.version(&kit, &v("1.1.0"), Reach::Everything).await.expect("read").expect("a version");
    let name = format!("trusted-publisher:{}:repo:{repository}:ref:refs/heads/main", Issuer::GITHUB);
    assert_eq!(detail.published_by, name);
    refused(try_publish(db, &by, manifest(&package_name(), "1.0.0")).await, ErrorCode::Forbidden);
    refused(publishers(db, &by, &kit).await, ErrorCode::Forbidden);
    change(db, &ada, &kit, PublisherChange::Remove(added.id)).await.expect("removed");
    refused(try_publish(db, &by, manifest(&kit, "1.2.0")).await, ErrorCode::Unauthorized);
}

/// Where there is no package, the first publish makes it for whoever added the publisher, in one transaction.
pub async fn a_waiting_publisher_makes_its_package(db: &dyn Database) {
    let ada = actor(db).await;
    let team = scope(db, &ada).await;
    for kit in [package_name(), scoped_name(&team)] {
        let repository = format!("acme/{}", word());
        assert!(add(db, &ada, &kit, &repository).await.pending);
        let by = acting(db, id_token(&repository, "1")).await.expect("swapped");
        try_publish(db, &by, manifest(&kit, "1.0.0")).await.expect("published");
        let owners = db.owners(&kit, Reach::Everything).await.expect("read").expect("a package");
        assert_eq!(owners, std::slice::from_ref(&ada.username), "{kit}");
        let listed = publishers(db, &ada, &kit).await.expect("read").publishers;
        assert!(listed.len() == 1 && !listed[0].pending, "{listed:?}");
        try_publish(db, &by, manifest(&kit, "1.1.0")).await.expect("it goes on with the same token");
    }
}

/// Whoever waits for a name that somebody else takes gets no right to the package.
pub async fn a_waiting_publisher_of_others_ends_with_the_name(db: &dyn Database) {
    let (ada, eve, kit) = (actor(db).await, actor(db).await, package_name());
    let repository = format!("eve/{}", word());
    add(db, &eve, &kit, &repository).await;
    let own = add(db, &ada, &kit, "acme/kit").await;
    refused(publishers(db, &actor(db).await, &kit).await, ErrorCode::PackageNotFound);
    let by = acting(db, id_token(&repository, "1")).await.expect("swapped");
    publish(db, &ada, &kit, &["1.0.0"]).await;
    refused(try_publish(db, &by, manifest(&kit, "1.1.0")).await, ErrorCode::Unauthorized);
    refused(acting(db, id_token(&repository, "1")).await, ErrorCode::Forbidden);
    let listed = publishers(db, &ada, &kit).await.expect("read").publishers;
    assert_eq!(listed, [TrustedPublisher { pending: false, ..own }]);
}

/// Whoever waits for a name with an account that is deleted waits no more.
pub async fn a_waiting_publisher_ends_with_its_account(db: &dyn Database) {
    let (ada, kit) = (actor(db).await, package_name());
    let repository = format!("acme/{}", word());
    add(db, &ada, &kit, &repository).await;
    let by = acting(db, id_token(&repository, "1")).await.expect("swapped");
    let delete = DeleteAccount {
        by: AccountActor::Itself(ada.clone()),
        username: ada.username.clone(),
        password_hash: "nothing".into(),
        now: now(),
        audit: entry(AuditEvent::UserDelete, &ada),
    };
    db.execute(&delete).await.expect("deleted");
    refused(try_publish(db, &by, manifest(&kit, "1.0.0")).await, ErrorCode::Unauthorized);
    refused(acting(db, id_token(&repository, "1")).await, ErrorCode::Forbidden);
}

/// A token of a trusted publisher that leaked is revoked once, and its publisher gets another one.
pub async fn a_leaked_token_of_a_publisher_is_revoked(db: &dyn Database) {
    let (ada, kit) = published(db, &["1.0.0"]).await;
    let repository = format!("acme/{}", word());
    add(db, &ada, &kit, &repository).await;
    let (exchange, secret) = exchange_of(id_token(&repository, "1"), None);
    db.execute(&exchange).await.expect("swapped");
    let holder = db.ask(PublisherBySecret(secret.digest())).await.expect("read").expect("a holder");
    assert_eq!(holder.added_by.as_ref(), Some(&ada.username));
    let audit = entry(AuditEvent::TokenLeakReported, &ada);
    let revoke = RevokePublisherToken { token: holder.token.id, now: audit.timestamp, audit };
    assert!(db.execute(&revoke).await.expect("revoked"));
    assert!(!db.execute(&revoke).await.expect("nothing to revoke"));
    assert_eq!(db.ask(PublisherBySecret(secret.digest())).await.expect("read"), None);
    let by = acting(db, id_token(&repository, "1")).await.expect("swapped");
    try_publish(db, &by, manifest(&kit, "1.1.0")).await.expect("published");
}

/// Of swaps of one ID token at the same time one succeeds, and of one without a `jti` too.
pub async fn an_id_token_counts_once(db: &dyn Database) {
    let (ada, kit) = published(db, &["1.0.0"]).await;
    let repository = format!("acme/{}", word());
    add(db, &ada, &kit, &repository).await;
    for token in [id_token(&repository, "1"), IdToken { id: None, ..id_token(&repository, "1") }] {
        let swaps: Vec<_> = (0..4).map(|_| exchange_of(token.clone(), None).0).collect();
        let swapped = join_all(swaps.iter().map(|exchange| db.execute(exchange))).await;
        assert_eq!(swapped.iter().filter(|swapped| swapped.is_ok()).count(), 1, "{swapped:?}");
        for swapped in swapped.into_iter().filter(Result::is_err) {
            refused(swapped, ErrorCode::Unauthorized);
        }
    }
    let elsewhere = exchange_of(id_token(&repository, "1"), Some(&package_name())).0;
    refused(db.execute(&elsewhere).await, ErrorCode::Forbidden);
}

/// A repository that takes the name of another cannot publish.
pub async fn the_ids_of_the_first_id_token_are_pinned(db: &dyn Database) {
    let (ada, kit) = published(db, &["1.0.0"]).await;
    let repository = format!("Acme/{}", word());
    add(db, &ada, &kit, &repository).await;
    let lower = repository.to_lowercase();
    acting(db, id_token(&lower, "1")).await.expect_err("the workflow is of another name");
    acting(db, id_token(&repository, "1")).await.expect("swapped");
    let pinned = publishers(db, &ada, &kit).await.expect("read").publishers.remove(0).pinned;
    assert_eq!(pinned, pairs(&[("repository_id", "1"), ("repository_owner_id", "7")]));
    refused(acting(db, id_token(&repository, "2")).await, ErrorCode::Forbidden);
    acting(db, id_token(&repository, "1")).await.expect("swapped again");
}

/// A package that its publishers alone publish is closed to its owner, until that is taken back.
pub async fn where_publishers_alone_publish_owners_do_not(db: &dyn Database) {
    let (ada, kit) = published(db, &["1.0.0"]).await;
    let only = |only| PublisherChange::SetOnly(only);
    refused(change(db, &ada, &kit, only(true)).await, ErrorCode::InvalidRequest);
    let repository = format!("acme/{}", word());
    add(db, &ada, &kit, &repository).await;
    change(db, &ada, &kit, only(true)).await.expect("closed");
    assert!(publishers(db, &ada, &kit).await.expect("read").only);
    refused(try_publish(db, &ada, manifest(&kit, "1.1.0")).await, ErrorCode::Forbidden);
    let by = acting(db, id_token(&repository, "1")).await.expect("swapped");
    try_publish(db, &by, manifest(&kit, "1.1.0")).await.expect("published");
    change(db, &ada, &kit, only(false)).await.expect("open");
    try_publish(db, &ada, manifest(&kit, "1.2.0")).await.expect("published");
}

/// Tokens and used ID tokens are forgotten once they have ended by themselves, and not before.
pub async fn expired_tokens_of_publishers_are_forgotten(db: &dyn Database) {
    let (ada, kit) = published(db, &["1.0.0"]).await;
    let repository = format!("acme/{}", word());
    add(db, &ada, &kit, &repository).await;
    // Others share the database, so what ends here has ended long ago.
    let past = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).expect("an instant");
    let (mut exchange, secret) = exchange_of(id_token(&repository, "1"), Some(&kit));
    (exchange.id_token.ends_at, exchange.expires_at) = (past(10), past(20));
    db.execute(&exchange).await.expect("swapped");
    let holder = async || db.ask(PublisherBySecret(secret.digest())).await.expect("read");
    let found = holder().await.expect("a holder");
    assert_eq!((found.package, found.token.expires_at), (kit, past(20)));
    let again = async || db.execute(&exchange_of(exchange.id_token.clone(), None).0).await;
    db.forget_sessions(past(10)).await.expect("forgotten");
    refused(again().await, ErrorCode::Unauthorized);
    db.forget_sessions(past(11)).await.expect("forgotten");
    assert!(holder().await.is_some(), "it is alive");
    again().await.expect("nothing remembers the ID token, which nobody would take any more");
    db.forget_sessions(past(21)).await.expect("forgotten");
    assert_eq!(holder().await, None);
}

/// Who may not see a private package sees no publisher of it, nor one of a package all of whose versions wait for
/// approval: the answers are those of a package that does not exist.
pub async fn publishers_of_a_private_package_are_unseen(db: &dyn Database) {
    let (ada, eve) = (actor(db).await, actor(db).await);
    let team = scope(db, &ada).await;
    let (kit, waiting, absent) = (scoped_name(&team), scoped_name(&team), scoped_name(&team));
    let private = manifest_with(&kit, "1.0.0", &serde_json::json!({"private": true}));
    try_publish(db, &ada, private).await.expect("published");
    let commit = commit(&ada, upload(db, &ada).await, manifest(&waiting, "1.0.0"));
    let pending = PublishCommit { approval: ApprovalStatus::Pending, ..commit };
    db.commit_publish(&pending).await.expect("published");
    assert_eq!(publishers(db, &ada, &waiting).await.expect("read"), PackagePublishers::default());
    let repository = format!("acme/{}", word());
    let added = add(db, &ada, &kit, &repository).await;
    assert_eq!(publishers(db, &ada, &kit).await.expect("read").publishers, std::slice::from_ref(&added));
    let by = acting(db, id_token(&repository, "1")).await.expect("swapped");
    try_publish(db, &by, manifest(&kit, "1.1.0")).await.expect("published, though it is not shown the package");
    for package in [&kit, &waiting, &absent] {
        refused(publishers(db, &eve, package).await, ErrorCode::PackageNotFound);
        for what in [PublisherChange::Remove(added.id), PublisherChange::SetOnly(false)] {
            refused(change(db, &eve, package, what).await, ErrorCode::PackageNotFound);
        }
        let new = PublisherChange::Add(publisher(&eve, package, "eve/kit"));
        refused(change(db, &eve, package, new).await, ErrorCode::Forbidden);
    }
    let log = audit_of(db, &kit).await;
    let of_publisher = log.iter().find(|one| one.entry.event == AuditEvent::PublisherAdd).expect("an entry");
    assert!(of_publisher.entry.is_private());
}
