//! How the database runs what the registry asks it for.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use aam_registry_core::{
    ports::{JobQueue, PackageStore},
    testing::database,
};
use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};

use super::{
    SqliteConfig, SqliteMetadata,
    connection::{open_reader, open_writer},
    schema,
};

/// What does not grow with the registry, or is taken as a whole and then empty.
const SMALL: &[&str] = &[
    "audit_chain",
    // Most jobs leave it when they are done; the operator's list reads the whole of it.
    "jobs",
    // The kinds of jobs, in the queries for those that are due and for the figures, and what is counted of each.
    "failed",
    "failed_kinds",
    "k",
    "kinds",
    "open_kinds",
    // As many rows as config.yaml lists webhooks.
    "operator_webhooks",
    "waiting",
    // The versions that wait for approvers.
    "awaiting",
    "pending_downloads",
    // The thousand newest versions that a user published and that not everybody sees.
    "withheld",
    "refinery_schema_history",
    "registry_identity",
    "registry_totals",
    "schema_compatibility",
    "sqlite_schema",
];

/// What walks a table itself, which lies in the order of its key, and stops at the end of a page.
const IN_ORDER: &str = "FROM audit_log WHERE TRUE ORDER BY id DESC LIMIT ? OFFSET ?";

/// The statements that ran.
type Statements = Arc<Mutex<BTreeSet<String>>>;

fn traced(mut connection: Connection, statements: &Statements) -> Connection {
    let statements = Arc::clone(statements);
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            statements.lock().unwrap_or_else(PoisonError::into_inner).insert(statement.sql().into_owned());
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note)).expect("a trace");
    connection
}

/// The steps of the plan of a statement that read a table from one end to the other and without an index.
fn scans(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).expect("a statement");
    // Without statistics no plan depends on the parameters.
    let mut rows = explain.raw_query();
    let mut scans = Vec::new();
    while let Some(row) = rows.next().expect("a plan") {
        let step: String = row.get(3).expect("a step");
        let Some(scanned) = step.strip_prefix("SCAN ") else { continue };
        let table = scanned.split(' ').next().unwrap_or_default();
        // One row without a table, of a statement that asks for counts alone.
        if scanned == "CONSTANT ROW" {
            continue;
        }
        if !SMALL.contains(&table) && !scanned.contains(" INDEX ") && !statement.ends_with(IN_ORDER) {
            scans.push(step);
        }
    }
    scans
}

#[tokio::test]
async fn no_statement_reads_a_table_that_grows_from_end_to_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig::new(folder.path().join("registry.db"));
    let statements = Statements::default();
    let mut writer = open_writer(&config).expect("a database");
    schema::migrate_locked(&mut writer).expect("migrate");
    let [reader, document_reader, searcher] =
        [(); 3].map(|()| traced(open_reader(&config).expect("a database"), &statements));
    let writer = traced(writer, &statements);
    let store = SqliteMetadata::on(writer, vec![reader], vec![document_reader], searcher, 16).expect("a database");
    for (_, case) in database::cases() {
        case(&store).await;
    }
    store.check().await.expect("a database");
    drop(store);

    // Plans come of the schema alone: nothing ever asks for statistics.
    let connection = Connection::open(config.path()).expect("a database");
    let statements = statements.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = BTreeSet::new();
    for statement in statements.iter() {
        for step in scans(&connection, statement) {
            found.insert(format!("{step}: {}", statement.chars().take(600).collect::<String>()));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(statements.len() > 100, "{} statements", statements.len());
}

/// However long the queue is: each kind is found and counted by an index, and counted up to a bound.
#[tokio::test]
async fn the_figures_of_a_long_queue_read_no_more_than_their_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("registry.db");
    let store = SqliteMetadata::open(SqliteConfig::new(&path)).await.expect("a database");
    let connection = Connection::open(&path).expect("a database");
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
        INSERT INTO jobs (id, kind, payload, created_at, due_at, failed_at)
        SELECT printf('%08d', i), 'k' || (i % 2), '{}', i, i, CASE WHEN i % 10 = 0 THEN i END FROM n";
    connection.execute_batch(fill).expect("fill");
    let figures = store.job_figures().await.expect("figures");
    let counted: Vec<_> = figures.iter().map(|one| (&*one.kind, one.waiting, one.failed)).collect();
    assert_eq!(counted, [("k0", 10_000, 3000), ("k1", 10_000, 0)]);

    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", super::jobs::FIGURES)).expect("a statement");
    let mut rows = explain.raw_query();
    let mut looked_up = 0;
    while let Some(row) = rows.next().expect("a plan") {
        let step: String = row.get(3).expect("a step");
        let of_jobs =
            ["SEARCH jobs ", "SCAN jobs ", "SEARCH j ", "SCAN j "].iter().any(|start| step.starts_with(start));
        assert!(!of_jobs || step.starts_with("SEARCH ") && step.contains(" INDEX jobs_"), "{step}");
        looked_up += usize::from(of_jobs);
    }
    assert_eq!(looked_up, 7, "what the plan says of the table was understood");
}
