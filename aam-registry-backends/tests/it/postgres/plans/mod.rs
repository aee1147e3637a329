//! The plans of the statements on a database with many rows in every table.

mod calls;
mod explained;

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use aam_registry_core::{ports::JobQueue, testing::database};
use explained::Plans;

use super::{proxy::Proxy, world::TestDatabase};

const FILL: &str = include_str!("fill.sql");

/// Tables that have one row, or whose rows are all read at once and then deleted.
const SMALL: &[&str] = &[
    "audit_chain",
    // Most jobs leave it when they are done; the operator's list reads the whole of it.
    "jobs",
    // As many rows as config.yaml lists webhooks.
    "operator_webhooks",
    "pending_totals",
    "read_only_mode",
    "refinery_schema_history",
    "registry_identity",
    "registry_totals",
    "schema_compatibility",
];

/// Cases that read whole tables.
const ENDLESS: &[&str] = &[
    "a_removed_version_is_gone",
    "published_archives_are_listed_by_key",
    "sequencers_at_once_make_one_chain",
    "sequencing_makes_a_chain",
];

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
    // The test says nothing about tables that no statement read. `schema_compatibility` is read only if the schema is
    // newer.
    assert!(plans.statements() > 100, "{} statements", plans.statements());
    let tables = "SELECT tablename::text FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'schema_compatibility'";
    for row in admin.query(tables, &[]).await.expect("read") {
        let table: &str = row.get(0);
        assert!(plans.tables().contains(table), "nothing read {table}");
    }
}

/// Each kind is found and counted by an index, up to a limit, however long the queue is.
#[tokio::test]
async fn the_figures_of_a_long_queue_read_no_more_than_their_bound() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    let admin = database.client().await;
    let fill = "INSERT INTO jobs (id, kind, payload, created_at, due_at, failed_at)
        SELECT gen_random_uuid(), 'k' || (i % 2), '{}', i, i, CASE WHEN i % 10 = 0 THEN i END
        FROM generate_series(1, 100000) i";
    admin.batch_execute(fill).await.expect("fill");
    admin.batch_execute("VACUUM (ANALYZE)").await.expect("vacuum");
    for setting in Plans::TELL.split(';') {
        let setting = format!("ALTER DATABASE {} {}", database.name(), setting.trim());
        admin.batch_execute(&setting).await.expect("a setting");
    }
    let config = PostgresConfig::new(&proxy.url(&database.url())).expect("a URL").with_pool_size(1);
    let store = PostgresMetadata::open(config).await.expect("a database");
    let figures = store.job_figures().await.expect("figures");
    let counted: Vec<_> = figures.iter().map(|one| (&*one.kind, one.waiting, one.failed)).collect();
    assert_eq!(counted, [("k0", 10_000, 10_000), ("k1", 10_000, 0)]);
    let plans = Plans::read(&proxy.notices());
    assert!(plans.tables().contains("jobs"), "nothing was explained");
    let small: Vec<_> = SMALL.iter().copied().filter(|table| *table != "jobs").collect();
    let scans = plans.scans(&small);
    assert!(scans.is_empty(), "\n{scans}");
}
