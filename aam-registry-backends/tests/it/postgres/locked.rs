//! Rows that somebody keeps locked.

use std::{sync::Arc, time::Duration};

use aam_registry_backends::postgres::PostgresMetadata;
use aam_registry_core::{
    ErrorCode, Result,
    decide::{NewToken, RevokedTokens, TagChange, TokenRevocation},
    ports::{AuditLog, Clock, CommandHandlerExt, DownloadStore, PackageStore, SystemClock, TokenStore, UserStore},
    types::{
        Actor, AuditEvent, DownloadBatch, DownloadCount, DownloadQuery, NewAuditEntry, PageRequest, Reach, SearchQuery,
        SearchSort, Sha256Digest, TagRules, Token, TokenId, TokenScopes, TokenUse,
    },
};
use futures_util::future::join_all;
use jiff::civil::date;
use serde_json::json;
use tokio::time::timeout;

use super::world::{PATIENCE, TestDatabase, actor, publish};

/// Longer than a test may take.
const LONG: Duration = Duration::from_mins(10);

/// A store of ten connections that waits for ever, with `kit` and `@owner/kit` of an owner.
async fn patient() -> (TestDatabase, Arc<PostgresMetadata>, Actor) {
    let database = TestDatabase::new().await;
    let config = database.config().with_pool_size(10).with_acquire_timeout(LONG);
    let config = config.with_lock_timeout(LONG).with_statement_timeout(LONG);
    let store = Arc::new(PostgresMetadata::open(config).await.expect("a database"));
    let owner = actor(&*store, "owner").await;
    for name in ["kit", "@owner/kit"] {
        publish(&*store, &owner, name, "1.0.0", json!({})).await.expect("publish");
    }
    (database, store, owner)
}

async fn tag(store: &PostgresMetadata, actor: &Actor, package: &str, tag: &str) -> Result<()> {
    let now = SystemClock.now();
    let change = TagChange {
        actor: actor.clone(),
        package: package.parse().expect("a name"),
        tag: tag.parse().expect("a tag"),
        version: Some("1.0.0".parse().expect("a version")),
        rules: TagRules::at_most(100),
        now,
        audit: NewAuditEntry::new(AuditEvent::TagSet, now),
    };
    store.execute(&change).await
}

/// What everybody else does goes on.
async fn the_rest_goes_on(store: &PostgresMetadata, somebody: &Actor) {
    let rest = async {
        store.check().await.expect("the database is well");
        store.login("owner").await.expect("log in").expect("an account");
        store.append(&NewAuditEntry::new(AuditEvent::UserLogin, SystemClock.now())).await.expect("note the login");
        let everything = SearchQuery::everything(SearchSort::Name, PageRequest { page: 1, limit: 10 });
        assert!(store.search(&everything).await.expect("search").total >= 2);
        store.package(&"kit".parse().expect("a name"), Reach::Everything).await.expect("read").expect("a package");
        publish(store, somebody, "other-kit", "1.0.0", json!({})).await.expect("another package");
        while store.sequence(1000).await.expect("sequence") > 0 {}
        store.refresh_totals().await.expect("totals");
    };
    timeout(PATIENCE, rest).await.expect("nobody waits for the lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_locked_package_takes_one_connection_and_no_more() {
    let (database, store, owner) = patient().await;
    let admin = database.client().await;
    admin.batch_execute("BEGIN; SELECT 1 FROM packages WHERE name = 'kit' FOR UPDATE").await.expect("lock");
    let waiting: Vec<_> = (0..30)
        .map(|at| {
            let (store, owner) = (Arc::clone(&store), owner.clone());
            tokio::spawn(async move {
                if at % 2 == 0 {
                    return tag(&store, &owner, "kit", &format!("tag-{at}")).await;
                }
                publish(&*store, &owner, "kit", &format!("2.0.{at}"), json!({})).await.map(drop)
            })
        })
        .collect();
    database.who_waits("FROM packages").await;
    // By the one who waits for the package, too.
    the_rest_goes_on(&store, &owner).await;
    assert_eq!(database.waiters().await, 1);
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    for done in join_all(waiting).await {
        done.expect("a task").expect("all had their turn");
    }
    let package =
        store.package(&"kit".parse().expect("a name"), Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.versions.len(), 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_locked_scope_or_user_leaves_connections_to_the_rest() {
    for lock in ["SELECT 1 FROM scopes WHERE name = 'owner'", "SELECT 1 FROM users WHERE username = 'owner'"] {
        let (database, store, owner) = patient().await;
        let stranger = actor(&*store, "stranger").await;
        let admin = database.client().await;
        admin.batch_execute(&format!("BEGIN; {lock} FOR UPDATE")).await.expect("lock");
        let waiting: Vec<_> = (0..30)
            .map(|at| {
                let (store, owner) = (Arc::clone(&store), owner.clone());
                tokio::spawn(async move {
                    publish(&*store, &owner, &format!("@owner/kit-{at}"), "1.0.0", json!({})).await.map(drop)
                })
            })
            .collect();
        database.who_waits("FOR SHARE").await;
        the_rest_goes_on(&store, &stranger).await;
        admin.batch_execute("ROLLBACK").await.expect("unlock");
        for done in join_all(waiting).await {
            done.expect("a task").expect("all had their turn");
        }
    }
}

#[tokio::test]
async fn who_gets_no_lock_is_told_of_what() {
    let database = TestDatabase::new().await;
    let config = database.config().with_lock_timeout(Duration::from_millis(50));
    let store = PostgresMetadata::open(config).await.expect("a database");
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "kit", "1.0.0", json!({})).await.expect("publish");
    let admin = database.client().await;
    admin.batch_execute("BEGIN; SELECT 1 FROM packages WHERE name = 'kit' FOR UPDATE").await.expect("lock");
    let error = tag(&store, &owner, "kit", "next").await.expect_err("it is locked");
    assert_eq!(error.code(), ErrorCode::Overloaded);
    assert!(error.to_string().starts_with("Package kit is being changed"), "{error}");
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    tag(&store, &owner, "kit", "next").await.expect("nobody locks it");
}

#[tokio::test]
async fn downloads_of_a_locked_package_are_folded_later_and_those_of_others_now() {
    let (database, store, _) = patient().await;
    let names = ["kit", "@owner/kit"].map(|name| name.parse().expect("a name"));
    let count = |package| DownloadCount {
        package,
        version: "1.0.0".parse().expect("a version"),
        day: date(2030, 1, 1),
        count: 3,
    };
    let counts = names.clone().map(count).into();
    store.add_downloads(&DownloadBatch::new(SystemClock.now(), counts)).await.expect("count");
    let admin = database.client().await;
    admin.batch_execute("BEGIN; SELECT 1 FROM packages WHERE name = 'kit' FOR UPDATE").await.expect("lock");
    let downloads = async || {
        timeout(PATIENCE, store.refresh_totals()).await.expect("it waits for nobody").expect("totals");
        let mut all = Vec::new();
        for name in &names {
            all.push(store.package(name, Reach::Everything).await.expect("read").expect("a package").downloads);
        }
        all
    };
    assert_eq!(downloads().await, [0, 3]);
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    assert_eq!(downloads().await, [3, 3]);
    let query =
        DownloadQuery { package: names[0].clone(), version: None, from: date(2030, 1, 1), to: date(2030, 1, 1) };
    assert_eq!(store.downloads(&query).await.expect("read").into_values().sum::<u64>(), 3);
}

/// An API token of this user.
async fn token(store: &PostgresMetadata, owner: &Actor) -> TokenId {
    let now = SystemClock.now();
    let token = Token {
        id: TokenId::generate(),
        user: owner.user,
        name: "ci".into(),
        scopes: TokenScopes::all(),
        packages: Vec::new(),
        created_at: now,
        expires_at: None,
        last_used_at: None,
        last_used_from: None,
    };
    let secret = Sha256Digest::of(token.id.to_string().as_bytes());
    let audit = NewAuditEntry::new(AuditEvent::TokenCreate, now);
    let id = token.id;
    let new = NewToken { actor: owner.clone(), scopes: TokenScopes::all(), token, secret, max_tokens: None, audit };
    store.execute(&new).await.expect("a token");
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_revokes_locked_tokens_leaves_connections_to_the_rest() {
    for (which, lock, waits) in [
        ("one", "SELECT 1 FROM tokens FOR UPDATE", "FROM tokens"),
        ("own", "SELECT 1 FROM users WHERE username = 'owner' FOR NO KEY UPDATE", "FOR NO KEY UPDATE"),
        ("all", "LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE", "LOCK TABLE tokens"),
    ] {
        let (database, store, owner) = patient().await;
        let stranger = actor(&*store, "stranger").await;
        let id = token(&store, &owner).await;
        let tokens = match which {
            "one" => RevokedTokens::Id(id),
            "own" => RevokedTokens::Of("owner".parse().expect("a name")),
            _ => RevokedTokens::All,
        };
        let admin = database.client().await;
        admin.batch_execute(&format!("BEGIN; {lock}")).await.expect("lock");
        let waiting: Vec<_> = (0..30)
            .map(|_| {
                let (store, tokens, now) = (Arc::clone(&store), tokens.clone(), SystemClock.now());
                let audit = NewAuditEntry::new(AuditEvent::TokenRevoke, now);
                tokio::spawn(async move { store.execute(&TokenRevocation { tokens, now, audit }).await })
            })
            .collect();
        database.who_waits(waits).await;
        the_rest_goes_on(&store, &stranger).await;
        assert_eq!(database.waiters().await, 1, "{which}");
        admin.batch_execute("ROLLBACK").await.expect("unlock");
        let mut revoked = 0;
        for done in join_all(waiting).await {
            revoked += done.expect("a task").expect("all had their turn");
        }
        assert_eq!(revoked, 1, "{which}");
    }
}

#[tokio::test]
async fn the_use_of_a_locked_token_is_waited_for_by_nobody() {
    let (database, store, owner) = patient().await;
    let (locked, free) = (token(&store, &owner).await, token(&store, &owner).await);
    let used = [locked, free].map(|token| TokenUse { token, at: SystemClock.now(), from: None });
    let touched = async || timeout(PATIENCE, store.touch_tokens(&used)).await.expect("it waits for nobody");
    let used_now = async || {
        let tokens = store.tokens(&owner, SystemClock.now()).await.expect("read");
        tokens.iter().filter(|token| token.last_used_at.is_some()).count()
    };
    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE").await.expect("lock");
    touched().await.expect_err("it is stored later");
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    admin.batch_execute(&format!("BEGIN; SELECT 1 FROM tokens WHERE id = '{locked}' FOR UPDATE")).await.expect("lock");
    touched().await.expect("the other one is stored");
    assert_eq!(used_now().await, 1);
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    touched().await.expect("stored");
    assert_eq!(used_now().await, 2);
}
