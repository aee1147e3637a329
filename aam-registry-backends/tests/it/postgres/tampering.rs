use super::world::TestDatabase;
use crate::tampering;

/// Runs statements in the database beside the registry.
async fn tamper(database: &TestDatabase) -> impl AsyncFn(&str) {
    let beside = database.client().await;
    async move |statement: &str| {
        beside.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[tokio::test]
async fn every_fault_of_the_audit_log_is_found() {
    let database = TestDatabase::new().await;
    tampering::every_fault_is_found(database.open().await, tamper(&database).await).await;
}

#[tokio::test]
async fn a_pruned_audit_log_stays_provable() {
    let database = TestDatabase::new().await;
    tampering::a_pruned_log_stays_provable(database.open().await, tamper(&database).await).await;
}
