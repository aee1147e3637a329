use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use aam_registry_core::{
    decide::MemberChange,
    ports::{ChangeEvent, ChangeFeed, Clock, CommandHandlerExt, DownloadStore, SystemClock},
    types::{AuditEvent, Change, DownloadBatch, DownloadCount, NewAuditEntry, ScopeName, ScopeRole},
};
use futures_util::{StreamExt, stream::BoxStream};
use jiff::civil::date;
use serde_json::json;

use super::{
    proxy::Proxy,
    world::{PATIENCE, TestDatabase, actor, publish},
};

async fn next(events: &mut BoxStream<'static, ChangeEvent>) -> ChangeEvent {
    tokio::time::timeout(PATIENCE, events.next()).await.expect("in time").expect("no end")
}

/// A subscriber whose connection is established.
async fn linked(store: &PostgresMetadata) -> BoxStream<'static, ChangeEvent> {
    let mut events = store.changes().subscribe();
    if next(&mut events).await == ChangeEvent::Lost {
        assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    }
    events
}

fn package(name: &str) -> ChangeEvent {
    ChangeEvent::Changed(Change::Package(name.parse().expect("a name")))
}

#[tokio::test]
async fn changes_by_anybody_are_told_to_all_when_they_are_committed() {
    let database = TestDatabase::new().await;
    let (store, other) = (database.open().await, database.open().await);
    let owner = actor(&store, "owner").await;
    let member = actor(&store, "member").await;
    let mut all = [linked(&store).await, linked(&store).await, linked(&other).await];

    publish(&other, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    // A refused command changes nothing and announces nothing.
    publish(&other, &owner, "greet-kit", "1.0.0", json!({})).await.expect_err("it is published");
    publish(&store, &owner, "@owner/kit", "1.0.0", json!({})).await.expect("publish");
    let scope: ScopeName = "owner".parse().expect("a scope");
    let change = MemberChange {
        actor: owner.clone(),
        scope: scope.clone(),
        member: member.username.clone(),
        role: Some(ScopeRole::Member),
        max_members: 100,
        now: SystemClock.now(),
        audit: NewAuditEntry::new(AuditEvent::ScopeMemberSet, SystemClock.now()),
    };
    store.execute(&change).await.expect("set");
    let (name, version) = ("greet-kit".parse().expect("a name"), "1.0.0".parse().expect("a version"));
    let count = DownloadCount { package: name, version, day: date(2025, 6, 1), count: 1 };
    other.add_downloads(&DownloadBatch::new(SystemClock.now(), vec![count])).await.expect("add");
    other.refresh_totals().await.expect("refresh");

    let scope = ChangeEvent::Changed(Change::Scope(scope));
    for events in &mut all {
        for expected in [package("greet-kit"), package("@owner/kit"), scope.clone(), package("greet-kit")] {
            assert_eq!(next(events).await, expected);
        }
    }
}

#[tokio::test]
async fn all_subscribers_share_one_connection() {
    let database = TestDatabase::new().await;
    let store = database.open().await;
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(linked(&store).await);
    }
    database.has_sessions(1).await;
    drop((store, all));
    database.has_sessions(0).await;
}

/// A store that hears of changes through a proxy.
async fn through_a_proxy(proxy: &Proxy, database: &TestDatabase) -> PostgresMetadata {
    let config = PostgresConfig::new(&proxy.url(&database.url())).expect("a URL");
    PostgresMetadata::open(config).await.expect("a database")
}

#[tokio::test]
async fn a_link_that_breaks_is_told_and_restored() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let (store, direct) = (through_a_proxy(&proxy, &database).await, database.open().await);
    let owner = actor(&direct, "owner").await;
    let mut events = linked(&store).await;
    for round in 0..3 {
        proxy.end_connections();
        assert_eq!(next(&mut events).await, ChangeEvent::Lost);
        assert_eq!(next(&mut events).await, ChangeEvent::Linked);
        let name = format!("kit{round}");
        publish(&direct, &owner, &name, "1.0.0", json!({})).await.expect("publish");
        assert_eq!(next(&mut events).await, package(&name));
    }
    let late = store.changes().subscribe().next().await;
    assert_eq!(late, Some(ChangeEvent::Linked), "whoever comes later is told how it stands");
}

#[tokio::test]
async fn a_link_that_was_cut_silently_is_noticed() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let (store, direct) = (through_a_proxy(&proxy, &database).await, database.open().await);
    let owner = actor(&direct, "owner").await;
    let mut events = linked(&store).await;
    proxy.fall_silent();
    publish(&direct, &owner, "unheard", "1.0.0", json!({})).await.expect("publish");
    assert_eq!(next(&mut events).await, ChangeEvent::Lost);
    proxy.speak_again();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    publish(&direct, &owner, "heard", "1.0.0", json!({})).await.expect("publish");
    assert_eq!(next(&mut events).await, package("heard"));
}

#[tokio::test]
async fn a_server_that_is_away_at_first_is_listened_to_when_it_comes() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let store = through_a_proxy(&proxy, &database).await;
    let address = proxy.address();
    proxy.stop().await;
    let mut events = store.changes().subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Lost);
    let _proxy = Proxy::start_at(address).await;
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
}

#[tokio::test]
async fn a_subscriber_that_lags_behind_is_told_that_it_lost_something() {
    let database = TestDatabase::new().await;
    let store = database.open().await;
    let (mut slow, mut quick) = (linked(&store).await, linked(&store).await);
    let admin = database.client().await;
    let tell = "SELECT pg_notify('aam_changes', 'package:kit' || n) FROM generate_series(1, 10000) n";
    let heard = async {
        for n in 1..=10_000 {
            assert_eq!(next(&mut quick).await, package(&format!("kit{n}")));
        }
    };
    let (told, ()) = tokio::join!(admin.query(tell, &[]), heard);
    told.expect("tell");
    assert_eq!(next(&mut slow).await, ChangeEvent::Lost);
    assert_eq!(next(&mut slow).await, ChangeEvent::Changed(Change::Everything));
    assert_eq!(next(&mut slow).await, ChangeEvent::Linked);
    admin
        .batch_execute("NOTIFY aam_changes, 'package:last'; NOTIFY aam_changes, 'from-the-future:x'")
        .await
        .expect("tell");
    assert_eq!(next(&mut slow).await, package("last"));
    assert_eq!(
        next(&mut slow).await,
        ChangeEvent::Changed(Change::Everything),
        "what is not understood may be anything"
    );
}

#[tokio::test]
async fn a_restore_is_told_as_a_change_of_everything() {
    let database = TestDatabase::new().await;
    let store = database.open().await;
    let owner = actor(&store, "owner").await;
    let mut events = linked(&store).await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    assert_eq!(next(&mut events).await, package("greet-kit"));
    // The table then has another file, as after a restore.
    database.client().await.batch_execute("TRUNCATE listings").await.expect("a superuser");
    assert_eq!(next(&mut events).await, ChangeEvent::Changed(Change::Everything));
    publish(&store, &owner, "greet-kit", "1.1.0", json!({})).await.expect("publish");
    assert_eq!(next(&mut events).await, package("greet-kit"), "it is told once");
}
