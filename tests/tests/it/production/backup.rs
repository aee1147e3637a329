//! Backups and restores between SQLite and PostgreSQL, folders and buckets.

use crate::backup::{Place, Site, backed_up, check_killed_restores, drill};

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_on_sqlite_and_a_folder_is_restored_into_postgresql_and_a_bucket() {
    drill(Site::local(), Site::production().await, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_on_postgresql_and_a_bucket_is_restored_into_sqlite_and_a_folder() {
    drill(Site::production().await, Site::local(), 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_on_postgresql_is_restored_into_another() {
    drill(Site::production().await, Site::production().await, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_restore_into_postgresql_is_told_as_half_and_can_be_started_again() {
    let (_site, place, backup) = backed_up().await;
    check_killed_restores(&place, &backup, Site::production).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_restored_into_a_database_of_postgresql_that_is_not_empty() {
    let (_site, place, _) = backed_up().await;
    let target = Site::production().await;
    let server = target.serve().await;
    server.user("somebody").await;
    drop(server);
    let refused = target.restore(&place, &[]).await.expect_code(1);
    assert!(refused.stderr.contains("it is not empty, its table"), "{}", refused.stderr);
    // What is there is backed up as ever.
    let told = target.back_up(&Place::new(), &[]).await;
    assert_eq!(told["versions"], 0, "{told}");
}
