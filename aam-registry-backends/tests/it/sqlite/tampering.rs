use super::world::database;
use crate::tampering;

/// Runs statements in the file beside the registry.
fn tamper(folder: &std::path::Path) -> impl AsyncFn(&str) {
    let beside = rusqlite::Connection::open(folder.join("registry.db")).expect("the file");
    async move |statement: &str| {
        beside.execute_batch(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[tokio::test]
async fn every_fault_of_the_audit_log_is_found() {
    let (store, folder) = database().await;
    tampering::every_fault_is_found(store, tamper(folder.path())).await;
}

#[tokio::test]
async fn a_pruned_audit_log_stays_provable() {
    let (store, folder) = database().await;
    tampering::a_pruned_log_stays_provable(store, tamper(folder.path())).await;
}
