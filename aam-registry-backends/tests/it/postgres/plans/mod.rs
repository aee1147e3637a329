//! How the server runs what the registry asks it for, where there is much of everything.

mod calls;
mod explained;

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use aam_registry_core::testing::database;
use explained::Plans;

use super::{proxy::Proxy, world::TestDatabase};

const FILL: &str = include_str!("fill.sql");

/// What has one row, or is taken as a whole and then empty.
const SMALL: &[&str] = &[
    "audit_chain",
    // Most jobs leave it when they are done; its figures and the operator's list read the whole of it.
    "jobs",
    "pending_totals",
    "refinery_schema_history",
    "registry_identity",
    "registry_totals",
    "schema_compatibility",
];

/// Cases that walk through everything there is.
const ENDLESS: &[&str] =
    &["published_archives_are_listed_by_key", "sequencers_at_once_make_one_chain", "sequencing_makes_a_chain"];

#[tokio::test]
async fn no_statement_reads_a_table_that_grows_from_end_to_end() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let admin = database.client().await;
    admin.batch_execute(FILL).await.expect("fill");
    admin.batch_execute("VACUUM (ANALYZE)").await.expect("vacuum");
    for setting in Plans::TELL.split(';') {
        let setting = format!("ALTER DATABASE {} {}", database.name(), setting.trim());
        admin.batch_execute(&setting).await.expect("a setting");
    }

    let config = PostgresConfig::new(&proxy.url(&database.url())).expect("a URL").with_pool_size(4);
    let store = PostgresMetadata::open(config).await.expect("a database");
    for (name, case) in database::cases() {
        if !ENDLESS.contains(&name) {
            case(&store).await;
        }
    }
    calls::read_everything(&store).await;

    let plans = Plans::read(&proxy.notices());
    let scans = plans.scans(SMALL);
    assert!(scans.is_empty(), "\n{scans}");
    // What was not asked for says nothing; the one table is read where the schema is newer.
    assert!(plans.statements() > 100, "{} statements", plans.statements());
    let tables = "SELECT tablename::text FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'schema_compatibility'";
    for row in admin.query(tables, &[]).await.expect("read") {
        let table: &str = row.get(0);
        assert!(plans.tables().contains(table), "nothing read {table}");
    }
}
