//! Servers that this release must not use, or that are read-only.

use std::time::Duration;

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata, migrate, pending_migrations};
use aam_registry_core::{ErrorCode, Result, ports::PackageStore};
use serde_json::json;

use super::world::{PATIENCE, TestDatabase, actor, publish};

/// Asks again until the answer is as wanted: a server is looked at every few seconds.
async fn until(store: &PostgresMetadata, wanted: impl Fn(&Result<()>) -> bool) -> Result<()> {
    let asking = async {
        loop {
            let answer = store.check().await;
            if wanted(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("it is noticed")
}

fn is_unfit(answer: &Result<()>) -> bool {
    answer.as_ref().is_err_and(aam_registry_core::Error::is_unfit)
}

#[tokio::test]
async fn a_running_replica_stops_once_the_schema_excludes_it() {
    let database = TestDatabase::new().await;
    let store = database.open().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "kit", "1.0.0", json!({})).await.expect("publish");
    let later = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 VALUES (1000, 'later', '2030-01-01T00:00:00Z', '1');
                 UPDATE schema_compatibility SET oldest_release = '99.0.0'";
    let admin = database.client().await;
    admin.batch_execute(later).await.expect("a later release");

    let refused = until(&store, is_unfit).await.expect_err("it is excluded");
    assert_eq!(refused.code(), ErrorCode::DatabaseUnavailable);
    let refused = publish(&store, &owner, "kit", "1.1.0", json!({})).await.expect_err("nothing is written");
    assert!(refused.is_unfit(), "{refused:?}");
    let reason = std::error::Error::source(&refused).expect("a reason").to_string();
    assert!(reason.contains("serves 99.0.0 and later") && reason.contains("replace it"), "{reason}");

    admin.batch_execute("UPDATE schema_compatibility SET oldest_release = '0.2.0'").await.expect("another");
    store.check().await.expect("it is served again");
    publish(&store, &owner, "kit", "1.1.0", json!({})).await.expect("it is served again");
}

#[tokio::test]
async fn a_read_only_primary_is_not_well() {
    let database = TestDatabase::new().await;
    let store = database.open().await;
    store.check().await.expect("it takes changes");
    let admin = database.client().await;
    let read_only = format!("ALTER DATABASE {} SET default_transaction_read_only = ", database.name());
    admin.batch_execute(&format!("{read_only} on")).await.expect("a superuser");
    // Open sessions do not know of the change yet.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
    admin.query(end, &[&database.name()]).await.expect("end");
    let refused = until(&store, Result::is_err).await.expect_err("it takes no changes");
    assert_eq!(refused.code(), ErrorCode::DatabaseUnavailable);
    assert!(!refused.is_unfit(), "it heals by itself");
    admin.batch_execute(&format!("{read_only} off")).await.expect("a superuser");
    until(&store, Result::is_ok).await.expect("it takes changes");
}

#[tokio::test]
async fn a_server_that_turned_read_only_under_a_session_is_not_well() {
    let database = TestDatabase::new().await;
    let config = PostgresConfig::new(&format!("{}?target_session_attrs=any", database.url())).expect("a URL");
    let store = PostgresMetadata::open(config).await.expect("a database");
    store.check().await.expect("it takes changes");
    let admin = database.client().await;
    let read_only = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
    admin.batch_execute(&read_only).await.expect("a superuser");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
    admin.query(end, &[&database.name()]).await.expect("end");
    let told = |answer: &Result<()>| {
        let source = answer.as_ref().err().and_then(std::error::Error::source);
        source.is_some_and(|reason| reason.to_string().contains("takes no changes"))
    };
    until(&store, told).await.expect_err("it takes no changes");
}

/// The same database through the pooler that the variable names.
fn pooled(database: &TestDatabase, variable: &str) -> PostgresConfig {
    let url = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set; run the tests by `scripts/services cargo nextest run …`"));
    let (pooler, _) = url.rsplit_once('/').expect("a URL of a database");
    PostgresConfig::new(&format!("{pooler}/{}", database.name())).expect("a URL")
}

#[tokio::test]
async fn a_pooler_that_shares_sessions_by_transaction_is_found_out() {
    let database = TestDatabase::new().await;
    let config = pooled(&database, "AAM_TEST_PGBOUNCER_URL");
    let reason = |error: aam_registry_core::Error| {
        assert!(error.is_unfit(), "{error:?}");
        std::error::Error::source(&error).expect("a reason").to_string()
    };
    let told = reason(pending_migrations(&config).await.expect_err("at the start"));
    assert!(told.contains("pool_mode = session"), "{told}");
    assert_eq!(reason(migrate(&config).await.expect_err("nothing is migrated so")), told);
    let store = PostgresMetadata::open(config).await.expect("nothing is asked yet");
    for _ in 0..3 {
        assert_eq!(reason(store.check().await.expect_err("it is refused")), told);
    }
}

#[tokio::test]
async fn a_pooler_that_keeps_sessions_apart_may_stand_in_between() {
    let database = TestDatabase::new().await;
    let config = pooled(&database, "AAM_TEST_PGBOUNCER_SESSION_URL");
    assert_eq!(pending_migrations(&config).await.expect("read"), Vec::<String>::new());
    let store = PostgresMetadata::open(config).await.expect("a database");
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "kit", "1.0.0", json!({})).await.expect("publish");
    store.check().await.expect("it is well");
}
