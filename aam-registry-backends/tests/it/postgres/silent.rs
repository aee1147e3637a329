//! Servers that do not answer on open connections.

use std::time::Duration;

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use aam_registry_core::{
    decide::NewScope,
    ports::{Clock, CommandHandlerExt, SystemClock, UserStore},
    types::{Actor, AuditEvent, NewAuditEntry},
};

use super::{
    connecting::outage,
    proxy::Proxy,
    world::{TestDatabase, actor},
};

const CONNECTIONS: u32 = 4;

/// A store whose connections go through a proxy and are all idle.
async fn idle(proxy: &Proxy, database: &TestDatabase) -> (PostgresMetadata, Actor) {
    let moment = Duration::from_secs(1);
    let config = PostgresConfig::new(&proxy.url(&database.url())).expect("a URL");
    let config = config.with_pool_size(CONNECTIONS).with_statement_timeout(moment).with_connect_timeout(moment);
    let store = PostgresMetadata::open(config.with_application_name(database.name())).await.expect("a database");
    let owner = actor(&store, "owner").await;
    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.expect("lock");
    let all = futures_util::future::join_all((0..CONNECTIONS).map(|_| store.user(owner.user)));
    let (all, ()) = tokio::join!(all, database.has_sessions(CONNECTIONS.into()));
    assert_eq!(all.len(), 4);
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    (store, owner)
}

#[tokio::test]
async fn a_silent_server_is_asked_once_and_then_on_a_new_connection() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let (store, owner) = idle(&proxy, &database).await;
    proxy.fall_silent();
    let cause = outage(store.user(owner.user).await);
    assert!(cause.contains("silent"), "{cause}");
    assert_eq!(proxy.held(), 1, "the other connections are as silent");
    let cause = outage(store.user(owner.user).await);
    assert!(cause.contains("no connection within"), "{cause}");
    proxy.speak_again();
    assert!(store.user(owner.user).await.expect("it heals by itself").is_some());
}

#[tokio::test]
async fn a_change_that_a_silent_server_was_asked_for_was_not_made() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let (store, owner) = idle(&proxy, &database).await;
    proxy.fall_silent();
    let (scope, now) = ("tools".parse().expect("a scope"), SystemClock.now());
    let audit = NewAuditEntry::new(AuditEvent::ScopeCreate, now);
    let new = NewScope { actor: owner, name: scope, max_scopes: None, now, audit };
    let cause = outage(store.execute(&new).await);
    assert!(cause.contains("silent"), "{cause}");
    proxy.speak_again();
    store.execute(&new).await.expect("nothing is in the way");
}
