//! Connections that are lost in the middle.

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use aam_registry_core::{
    Error, Result,
    decide::{Published, Yank},
    error::Outcome,
    ports::{AuditLog, Clock, CommandHandlerExt, DownloadStore, PackageStore, SystemClock},
    types::{
        Actor, AuditEvent, DownloadBatch, DownloadCount, DownloadQuery, LatestPolicy, NewAuditEntry, PackageName, Reach,
    },
};
use jiff::civil::date;
use serde_json::json;

use super::{
    proxy::{Cut, Proxy},
    world::{TestDatabase, actor, publish},
};

/// A store whose connections go through a proxy, in use for a while.
async fn through_a_proxy() -> (PostgresMetadata, Proxy, TestDatabase, Actor) {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let config = PostgresConfig::new(&proxy.url(&database.url())).expect("a URL");
    let store = PostgresMetadata::open(config.with_pool_size(2)).await.expect("a database");
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    (store, proxy, database, owner)
}

async fn versions(store: &PostgresMetadata) -> Vec<String> {
    let name: PackageName = "greet-kit".parse().expect("a name");
    let versions = store.versions(&name, Reach::Public).await.expect("read").expect("a package");
    versions.into_iter().map(|version| version.version.to_string()).collect()
}

/// What is known of a change whose call failed.
fn outcome<T: std::fmt::Debug>(result: Result<T>) -> (bool, Outcome) {
    match result {
        Err(Error::Backend(backend)) => (backend.retry, backend.outcome),
        other => panic!("no failure of the database: {other:?}"),
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_was_sent_is_no_failure() {
    let (store, proxy, _database, owner) = through_a_proxy().await;
    for (cut, version) in (0..9).zip(1..) {
        let cuts = proxy.cuts();
        proxy.cut(Cut::InTransaction(cut));
        publish(&store, &owner, "greet-kit", &format!("1.0.{version}"), json!({})).await.expect("publish");
        assert_eq!(proxy.cuts(), cuts + 1, "the transaction has no {cut} answers");
    }
    assert_eq!(versions(&store).await.len(), 10);
    assert_eq!(store.totals().await.expect("read").versions, 10);
}

#[tokio::test]
async fn a_connection_lost_with_the_answer_of_a_commit_leaves_it_unknown() {
    let (store, proxy, _database, owner) = through_a_proxy().await;
    proxy.cut(Cut::CommitAnswer);
    let published = publish(&store, &owner, "greet-kit", "1.1.0", json!({})).await;
    assert_eq!(outcome(published), (true, Outcome::Unknown));
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(versions(&store).await, ["1.1.0", "1.0.0"], "it was committed all the same");
}

#[tokio::test]
async fn a_connection_lost_with_a_commit_on_its_way_leaves_it_unknown() {
    let (store, proxy, _database, owner) = through_a_proxy().await;
    proxy.cut(Cut::CommitOnItsWay);
    let published = publish(&store, &owner, "greet-kit", "1.1.0", json!({})).await;
    assert_eq!(outcome(published), (true, Outcome::Unknown));
    assert_eq!(versions(&store).await, ["1.0.0"], "it was not committed");
    publish(&store, &owner, "greet-kit", "1.1.0", json!({})).await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_read_goes_on_after_every_connection_was_lost() {
    let (store, proxy, _database, _) = through_a_proxy().await;
    let name = "greet-kit".parse().expect("a name");
    for _ in 0..3 {
        futures_util::future::join_all((0..4).map(|_| store.package(&name, Reach::Public))).await;
        proxy.end_connections();
        assert!(store.package(&name, Reach::Public).await.expect("read").is_some());
        proxy.cut(Cut::InTransaction(0));
        assert!(store.package(&name, Reach::Public).await.expect("read").is_some());
    }
}

#[tokio::test]
async fn what_may_be_done_twice_counts_once() {
    let (store, proxy, _database, _) = through_a_proxy().await;
    let (package, version, day) =
        ("greet-kit".parse().expect("a name"), "1.0.0".parse().expect("version"), date(2025, 6, 1));
    let count = DownloadCount { package, version, day, count: 3 };
    let batch = DownloadBatch::new(SystemClock.now(), vec![count.clone()]);
    let entry = NewAuditEntry::new(AuditEvent::UserLoginFailed, SystemClock.now()).with_actor("nobody");
    for _ in 0..2 {
        proxy.cut(Cut::Answer);
        store.add_downloads(&batch).await.expect("add");
        proxy.cut(Cut::Answer);
        store.append(&entry).await.expect("append");
    }
    assert_eq!(proxy.cuts(), 4);
    let query = DownloadQuery { package: count.package, version: None, from: day, to: day };
    assert_eq!(store.downloads(&query).await.expect("read"), [(day, 3)].into());
    let log = crate::replicas::whole_log(&store).await;
    assert_eq!(log.iter().filter(|one| one.entry == entry).count(), 1);
}

#[tokio::test]
async fn a_backend_ended_by_an_administrator_between_statements_is_no_failure() {
    let database = TestDatabase::new().await;
    let (store, admin) = (database.open().await, database.client().await);
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    for (table, version) in [("users", "1.0.1"), ("packages", "1.0.2"), ("listings", "1.0.3"), ("audit_log", "1.0.4")] {
        admin.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await.expect("lock");
        let kill = async {
            let waiting = database.who_waits("").await;
            admin.execute("SELECT pg_terminate_backend($1)", &[&waiting]).await.expect("end");
            admin.batch_execute("ROLLBACK").await.expect("unlock");
        };
        let more = json!({"description": format!("Says {version}")});
        let (published, ()) = tokio::join!(publish(&store, &owner, "greet-kit", version, more), kill);
        let published: Published = published.expect(table);
        assert_eq!(published.dist_tags.len(), 1);
    }
    assert_eq!(versions(&store).await.len(), 5);
}

#[tokio::test]
async fn whoever_does_not_wait_for_the_end_of_a_change_leaves_nothing_open() {
    let database = TestDatabase::new().await;
    let store = PostgresMetadata::open(database.config().with_pool_size(1)).await.expect("a database");
    let admin = database.client().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    admin.batch_execute("BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE").await.expect("lock");
    tokio::select! {
        published = publish(&store, &owner, "greet-kit", "1.1.0", json!({})) => panic!("{published:?}"),
        _ = database.who_waits("audit_log") => {}
    }
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    assert_eq!(versions(&store).await, ["1.0.0"]);
    publish(&store, &owner, "greet-kit", "1.1.0", json!({})).await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_deadlock_is_met_by_starting_again() {
    let database = TestDatabase::new().await;
    let (store, other) = (database.open().await, database.client().await);
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    // The registry's session looks for a deadlock first, and so is the one that is ended.
    other.batch_execute("SET deadlock_timeout = '1min'; BEGIN; SELECT 1 FROM packages FOR UPDATE").await.expect("lock");
    let close = async {
        database.who_waits("FROM packages").await;
        other.batch_execute("UPDATE users SET disabled = FALSE; COMMIT").await.expect("the other one is ended");
    };
    let name = "greet-kit".parse().expect("a name");
    let yank = Yank {
        actor: owner.clone(),
        package: name,
        version: "1.0.0".parse().expect("a version"),
        reason: None,
        latest_policy: LatestPolicy::Highest,
        now: SystemClock.now(),
        audit: NewAuditEntry::new(AuditEvent::VersionYank, SystemClock.now()),
    };
    let (yanked, ()) = tokio::join!(store.execute(&yank), close);
    assert_eq!(yanked.expect("yank").removed_tags.len(), 1);
}

#[tokio::test]
async fn serialization_failures_are_met_by_starting_again_a_bounded_number_of_times() {
    let database = TestDatabase::new().await;
    let (store, other) = (database.open().await, database.client().await);
    let owner = actor(&store, "owner").await;
    // A sequence advances even if the transaction is rolled back.
    let fails = "CREATE SEQUENCE failures;
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('failures') <= 3 THEN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER fail BEFORE INSERT ON versions FOR EACH ROW EXECUTE FUNCTION fail()";
    other.batch_execute(fails).await.expect("a trigger");
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("the fourth attempt succeeds");
    other.batch_execute("ALTER SEQUENCE failures RESTART; SELECT setval('failures', 1)").await.expect("restart");
    other
        .batch_execute(
            "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION USING ERRCODE = 'serialization_failure';
        END $$",
        )
        .await
        .expect("a function");
    let published = publish(&store, &owner, "greet-kit", "1.0.1", json!({})).await;
    assert_eq!(outcome(published), (true, Outcome::NotApplied));
}
