//! Servers that are down, have no free connection, are slow, or demand TLS.

use std::{sync::Arc, time::Duration};

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use aam_registry_core::{
    Error, ErrorCode, Result,
    decide::Audience,
    error::Outcome,
    ports::{ArchiveIndex, PackageStore, UserStore},
    types::{PageRequest, SearchQuery, SearchSort},
};
use serde_json::json;

use super::{
    proxy::Proxy,
    world::{PATIENCE, TestDatabase, actor, publish},
};

/// Asserts an outage that says that nothing was applied and that the call may be repeated; returns its cause.
pub(super) fn outage<T: std::fmt::Debug>(result: Result<T>) -> String {
    let (outcome, cause) = maybe_done(result);
    assert_eq!(outcome, Outcome::NotApplied, "{cause}");
    cause
}

/// Asserts an outage after which the call may be repeated; returns what is known of the change, and the cause.
fn maybe_done<T: std::fmt::Debug>(result: Result<T>) -> (Outcome, String) {
    let error = result.expect_err("an outage");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable, "{error:?}");
    let Error::Backend(backend) = error else { panic!("{error:?}") };
    assert!(backend.retry, "{backend:?}");
    (backend.outcome, backend.source.to_string())
}

#[tokio::test]
async fn a_server_that_is_away_is_an_outage_until_it_is_there() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let address = proxy.address();
    let config = PostgresConfig::new(&proxy.url(&database.url())).expect("a URL");
    proxy.stop().await;
    // Longer than a test may take: a server that is down is reported at once.
    let store = PostgresMetadata::open(config.with_acquire_timeout(PATIENCE * 10)).await.expect("nothing is asked yet");
    for _ in 0..3 {
        let cause = outage(store.check().await);
        assert!(cause.contains("error connecting to server"), "{cause}");
    }
    let all = futures_util::future::join_all((0..30).map(|_| store.check())).await;
    for result in all {
        outage(result);
    }

    let proxy = Proxy::start_at(address).await;
    store.check().await.expect("it heals by itself");
    let owner = actor(&store, "owner").await;
    proxy.stop().await;
    maybe_done(publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await);
    let _proxy = Proxy::start_at(address).await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("and again");
}

#[tokio::test]
async fn a_server_that_is_away_migrates_when_it_is_there() {
    let (database, proxy) = (TestDatabase::empty().await, Proxy::start().await);
    let address = proxy.address();
    let config = PostgresConfig::new(&proxy.url(&database.url())).expect("a URL").with_auto_migrate(true);
    proxy.stop().await;
    let store = PostgresMetadata::open(config).await.expect("nothing is asked yet");
    outage(store.check().await);
    let _proxy = Proxy::start_at(address).await;
    futures_util::future::join_all((0..8).map(|_| async { store.check().await.expect("a schema") })).await;
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let database = TestDatabase::new().await;
    let config = database.config_as("postgres", "hunter2-wrong");
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let store = PostgresMetadata::open(config).await.expect("nothing is asked yet");
    assert!(!format!("{store:?}").contains("hunter2"), "{store:?}");
    let cause = outage(store.check().await);
    assert!(cause.contains("password authentication failed") && !cause.contains("hunter2"), "{cause}");
}

#[tokio::test]
async fn a_pool_in_use_is_an_outage_worth_a_retry() {
    let database = TestDatabase::new().await;
    let config = database.config().with_pool_size(1).with_acquire_timeout(Duration::from_secs(2));
    let store = Arc::new(PostgresMetadata::open(config).await.expect("a database"));
    let owner = actor(&*store, "owner").await;
    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE").await.expect("lock");
    let (waiting, publisher) = (Arc::clone(&store), owner.clone());
    let waiting = tokio::spawn(async move { publish(&*waiting, &publisher, "greet-kit", "1.0.0", json!({})).await });
    database.who_waits("audit_log").await;
    for _ in 0..2 {
        let cause = outage(store.user(owner.user).await);
        assert!(cause.contains("in use"), "{cause}");
    }
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    waiting.await.expect("a task").expect("publish");
    store.user(owner.user).await.expect("it is free again");
}

#[tokio::test]
async fn a_lock_is_not_waited_for_for_ever() {
    let database = TestDatabase::new().await;
    let config = database.config().with_lock_timeout(Duration::from_millis(50));
    let store = PostgresMetadata::open(config).await.expect("a database");
    let owner = actor(&store, "owner").await;
    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE").await.expect("lock");
    let error = publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect_err("it is locked");
    assert_eq!(error.code(), ErrorCode::Overloaded, "{error:?}");
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("nothing is left of it");
}

#[tokio::test]
async fn a_statement_is_not_waited_for_for_ever() {
    let database = TestDatabase::new().await;
    let config = database.config().with_statement_timeout(Duration::from_millis(100));
    let store = PostgresMetadata::open(config).await.expect("a database");
    store.check().await.expect("it is quick");
    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE versions IN ACCESS EXCLUSIVE MODE").await.expect("lock");
    let (name, version) = ("greet-kit".parse().expect("a name"), "1.0.0".parse().expect("a version"));
    let cause = outage(store.archive_location(&name, &version, Audience::Everyone).await);
    assert!(cause.contains("statement timeout"), "{cause}");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_ends_on_the_server() {
    let database = TestDatabase::new().await;
    let (long, config) = (PATIENCE * 10, database.config());
    let config = config.with_lock_timeout(long).with_statement_timeout(long).with_pool_size(1);
    let store = Arc::new(PostgresMetadata::open(config).await.expect("a database"));
    let owner = actor(&*store, "owner").await;
    let everything = SearchQuery::everything(SearchSort::Name, PageRequest { page: 1, limit: 10 });
    // The search index is completed even if no search waits for it any more.
    store.search(&everything).await.expect("search");
    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE users, listings IN ACCESS EXCLUSIVE MODE").await.expect("lock");
    let given_up = async |table: &str, asked: tokio::task::JoinHandle<()>| {
        database.who_waits(table).await;
        asked.abort();
        database.nobody_waits().await;
    };
    let (asked, user) = (Arc::clone(&store), owner.user);
    given_up("FROM users", tokio::spawn(async move { drop(asked.user(user).await) })).await;
    let asked = Arc::clone(&store);
    given_up("JOIN listings", tokio::spawn(async move { drop(asked.search(&everything).await) })).await;
    let (asked, publisher) = (Arc::clone(&store), owner.clone());
    let publishing = async move { drop(publish(&*asked, &publisher, "greet-kit", "1.0.0", json!({})).await) };
    // Any of its statements may be the first that waits.
    given_up("", tokio::spawn(publishing)).await;
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    publish(&*store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("nothing is left of it");
}

#[tokio::test]
async fn what_is_asked_of_a_server_in_between_is_told_by_name() {
    let database = TestDatabase::new().await;
    let store = database.open().await;
    store.check().await.expect("a database");
    let settings = "SELECT application_name FROM pg_stat_activity WHERE datname = $1 AND application_name = $1";
    let named = database.client().await.query(settings, &[&database.name()]).await.expect("read");
    assert_eq!(named.len(), 1);
}
