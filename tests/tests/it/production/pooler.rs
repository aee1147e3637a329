//! A pooler between the server and PostgreSQL.

use std::env;

use aam_registry_tests::{Ran, Settings, postgres::Database};

/// `PgBouncer` with `pool_mode = transaction` gives each transaction another session: prepared
/// statements and notifications get lost, so the server must not work through it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_in_transaction_mode_stops_the_server_and_says_why() {
    let database = Database::create().await;
    let pooler = env::var("AAM_TEST_PGBOUNCER_URL")
        .unwrap_or_else(|_| panic!("AAM_TEST_PGBOUNCER_URL is not set: run this as `scripts/services COMMAND`"));
    let (_, name) = database.url().rsplit_once('/').expect("the URL of a database");
    let (pooler, _) = pooler.rsplit_once('/').expect("the URL of a database");
    let direct = Settings::default().with("DATABASE_URL", database.url());
    Ran::on(&direct, &["migrate"]).await.expect_code(0);
    let settings = Settings::default()
        .with("DATABASE_URL", format!("{pooler}/{name}"))
        .with("AUTO_MIGRATE", "true")
        .with("HOST", "127.0.0.1")
        .with("PORT", "0");
    for command in [&["serve"][..], &["migrate"], &["migrate", "--check"], &["user", "list"], &["storage", "verify"]] {
        let told = Ran::on(&settings, command).await.expect_code(1).stderr;
        assert!(told.contains("pool_mode = session"), "{command:?}: {told}");
    }
}
