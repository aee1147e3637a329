use std::sync::Arc;

use aam_registry_core::ports::PackageStore;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use super::world::{TestDatabase, actor, publish};

#[tokio::test]
async fn the_pool_and_what_starts_again_are_measured() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
    let shown = |line: &str| handle.render().lines().any(|shown| shown == line);
    let database = TestDatabase::new().await;
    let store = Arc::new(database.open().await);
    for reason in ["unique_violation", "serialization_failure", "deadlock", "stale_statement", "connection_lost"] {
        let none = format!("aam_database_retries_total{{reason=\"{reason}\"}} 0");
        assert!(shown(&none), "{none}: {}", handle.render());
    }
    let owner = actor(&*store, "owner").await;
    assert!(shown("aam_database_pool_connections{state=\"in_use\"} 0"), "{}", handle.render());
    assert!(shown("aam_database_pool_connections{state=\"idle\"} 1"), "{}", handle.render());
    assert!(shown("aam_database_pool_waiting 0"), "{}", handle.render());

    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE").await.expect("lock");
    let (waiting, publisher) = (Arc::clone(&store), owner.clone());
    let waiting = tokio::spawn(async move { publish(&*waiting, &publisher, "kit", "1.0.0", json!({})).await });
    let process = database.who_waits("audit_log").await;
    assert!(shown("aam_database_pool_connections{state=\"in_use\"} 1"), "{}", handle.render());
    admin.execute("SELECT pg_terminate_backend($1)", &[&process]).await.expect("end");
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    waiting.await.expect("a task").expect("publish");
    assert!(shown("aam_database_retries_total{reason=\"connection_lost\"} 1"), "{}", handle.render());
    store.check().await.expect("a database");
    drop(store);
    assert!(shown("aam_database_pool_connections{state=\"idle\"} 0"), "{}", handle.render());
}
