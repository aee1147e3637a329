use aam_registry_backends::postgres::{PostgresMetadata, migrate, oldest_release, pending_migrations};
use aam_registry_core::{Error, ErrorCode, ports::PackageStore};

use super::world::{TestDatabase, actor, connect, server_url};
use crate::searches;

async fn names_of_tables(database: &TestDatabase) -> Vec<String> {
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    let rows = database.client().await.query(tables, &[]).await.expect("read");
    rows.iter().map(|row| row.get(0)).collect()
}

fn reason(error: &Error) -> String {
    std::error::Error::source(error).expect("a cause").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_starters_at_once_migrate_once() {
    let database = TestDatabase::empty().await;
    let starters: Vec<_> =
        (0..4).map(|_| tokio::spawn(PostgresMetadata::open(database.config().with_auto_migrate(true)))).collect();
    for starter in starters {
        starter.await.expect("a task").expect("a database").check().await.expect("a schema");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_commands_at_once_migrate_once() {
    let database = TestDatabase::empty().await;
    let known = pending_migrations(&database.config()).await.expect("read");
    assert!(!known.is_empty());
    let commands: Vec<_> = (0..4)
        .map(|_| {
            let config = database.config();
            tokio::spawn(async move { migrate(&config).await })
        })
        .collect();
    let mut ran = Vec::new();
    for command in commands {
        ran.extend(command.await.expect("a task").expect("migrate"));
    }
    assert_eq!(ran, known, "each ran once, in order");
    assert_eq!(pending_migrations(&database.config()).await.expect("read"), Vec::<String>::new());
}

#[tokio::test]
async fn a_schema_that_is_behind_is_an_outage_until_it_is_brought_up() {
    let database = TestDatabase::empty().await;
    let store = database.open().await;
    for _ in 0..2 {
        let error = store.check().await.expect_err("no schema");
        assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
        assert!(matches!(&error, Error::Backend(backend) if backend.retry), "{error:?}");
        assert!(reason(&error).contains("run `migrate`"), "{error:?}");
    }
    let error = store.totals().await.expect_err("no schema");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
    migrate(&database.config()).await.expect("migrate");
    store.check().await.expect("it heals by itself");
    actor(&store, "owner").await;
}

#[tokio::test]
async fn asking_what_is_pending_makes_nothing() {
    let database = TestDatabase::empty().await;
    assert!(!pending_migrations(&database.config()).await.expect("read").is_empty());
    assert_eq!(names_of_tables(&database).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_schema_records_the_oldest_release_that_can_work_on_it() {
    let database = TestDatabase::new().await;
    let recorded = "SELECT oldest_release FROM schema_compatibility";
    let recorded: String = database.client().await.query_one(recorded, &[]).await.expect("read").get(0);
    assert_eq!(recorded, oldest_release());
}

/// The schema of a later release.
async fn newer_schema(oldest_release: &str) -> TestDatabase {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let later = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 VALUES (1000, 'later', '2030-01-01T00:00:00Z', '1')";
    client.batch_execute(later).await.expect("insert");
    let serves = "UPDATE schema_compatibility SET oldest_release = $1";
    client.execute(serves, &[&oldest_release]).await.expect("update");
    database
}

#[tokio::test]
async fn a_newer_schema_that_serves_this_release_is_accepted() {
    let database = newer_schema("0.2.0").await;
    database.open().await.check().await.expect("it serves us");
    assert_eq!(migrate(&database.config()).await.expect("nothing to do"), Vec::<String>::new());
}

#[tokio::test]
async fn a_newer_schema_that_serves_it_no_longer_is_refused() {
    let database = newer_schema("99.0.0").await;
    let opened = PostgresMetadata::open(database.config().with_auto_migrate(true)).await;
    assert_eq!(opened.expect_err("it does not serve us").code(), ErrorCode::DatabaseUnavailable);
    let error = database.open().await.check().await.expect_err("it does not serve us");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
    assert!(reason(&error).contains("99.0.0"), "{error:?}");
    assert!(matches!(&error, Error::Backend(backend) if !backend.retry), "{error:?}");
}

#[tokio::test]
async fn a_missing_extension_says_who_has_to_make_it() {
    let database = TestDatabase::empty().await;
    let admin = database.client().await;
    let role = format!("plain_{}", database.name());
    // Owns the schema, and may not make anything else in the database.
    let make = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'plain'; GRANT CREATE ON SCHEMA public TO {role};
         REVOKE CREATE ON DATABASE {} FROM PUBLIC",
        database.name()
    );
    admin.batch_execute(&make).await.expect("a role");
    let config = database.config_as(&role, "plain");
    let error = migrate(&config).await.expect_err("no extension");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
    assert!(reason(&error).contains("as a superuser: CREATE EXTENSION pg_trgm"), "{error:?}");
    admin.batch_execute("CREATE EXTENSION pg_trgm").await.expect("an extension");
    migrate(&config).await.expect("it is there");

    drop(database);
    connect(server_url()).await.batch_execute(&format!("DROP ROLE {role}")).await.expect("drop");
}

#[tokio::test]
async fn whoever_waits_for_another_to_migrate_holds_no_snapshot() {
    let database = TestDatabase::empty().await;
    let admin = database.client().await;
    // The lock that migrating processes take.
    admin.batch_execute("SELECT pg_advisory_lock(x'61616d2d7363686d'::bigint)").await.expect("lock");
    let waiting = tokio::spawn({
        let config = database.config();
        async move { migrate(&config).await }
    });
    database.has_sessions(1).await;
    // `CREATE INDEX CONCURRENTLY` waits until every snapshot in the database ends.
    admin.batch_execute("CREATE TABLE other (thing INT)").await.expect("a table");
    let made = admin.batch_execute("CREATE INDEX CONCURRENTLY other_thing ON other (thing)");
    tokio::time::timeout(super::world::PATIENCE, made).await.expect("nobody holds a snapshot").expect("an index");
    admin.batch_execute("DROP TABLE other; SELECT pg_advisory_unlock_all()").await.expect("unlock");
    assert!(!waiting.await.expect("a task").expect("migrate").is_empty());
}

/// The first migrations, in order.
const FIRST: [&str; 3] = [
    include_str!("../../../src/postgres/migrations/V1__registry.sql"),
    include_str!("../../../src/postgres/migrations/V2__listing_text_scope.sql"),
    include_str!("../../../src/postgres/migrations/V3__search_changes.sql"),
];

/// A database as one of the first migrations left it.
async fn as_left_by(migration: i32) -> TestDatabase {
    let (database, current) = (TestDatabase::empty().await, TestDatabase::new().await);
    let client = database.client().await;
    let history = "CREATE TABLE refinery_schema_history
        (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))";
    client.batch_execute(history).await.expect("a table");
    let applied = "SELECT version, name, applied_on, checksum FROM refinery_schema_history
                   WHERE version <= $1 ORDER BY version";
    for (row, sql) in current.client().await.query(applied, &[&migration]).await.expect("read").iter().zip(FIRST) {
        let script = if sql.starts_with("-- no-transaction") { sql } else { &format!("BEGIN;{sql};COMMIT;\n") };
        let statements: Vec<_> = if script == sql { sql.split_inclusive(";\n").collect() } else { vec![script] };
        for statement in statements {
            client.batch_execute(statement).await.expect("a migration");
        }
        let (version, rest): (i32, [String; 3]) = (row.get(0), [1, 2, 3].map(|at| row.get(at)));
        let insert = "INSERT INTO refinery_schema_history VALUES ($1, $2, $3, $4)";
        client.execute(insert, &[&version, &rest[0], &rest[1], &rest[2]]).await.expect("insert");
    }
    database
}

/// A database as the second migration left it, with packages: `a-kit` and `@team/b-kit` are listed.
async fn before_the_search_in_memory() -> TestDatabase {
    let database = as_left_by(2).await;
    database.client().await.batch_execute(include_str!("listed_by_words.sql")).await.expect("packages");
    database
}

#[tokio::test]
async fn what_was_listed_before_searches_ran_in_memory_is_found_as_before() {
    let database = before_the_search_in_memory().await;
    let ran = migrate(&database.config()).await.expect("migrate");
    assert_eq!(ran[..2], ["V3__search_changes", INDEX]);
    let store = database.open().await;
    searches::find_what_was_listed_before(&store).await;
    assert_eq!(store.totals().await.expect("read").packages, 3);
}

#[tokio::test]
async fn a_migration_that_waits_in_a_circle_tries_again() {
    let database = before_the_search_in_memory().await;
    let search = database.client().await;
    search.batch_execute("BEGIN; SELECT FROM words").await.expect("a search");
    let config = database.config();
    let migrating = tokio::spawn(async move { migrate(&config).await });
    database.who_waits("LOCK TABLE").await;
    search.batch_execute("SELECT FROM listing_text; COMMIT").await.expect("the migration lets the search pass");
    assert!(!migrating.await.expect("a task").expect("migrate").is_empty());
}

/// The state of an index that is built while the registry runs.
const INDEX: &str = "V4__listings_changed";

/// A database without that index: the process that began to build it was interrupted.
async fn before_the_index() -> TestDatabase {
    let database = as_left_by(3).await;
    let half_made = "CREATE INDEX listings_changed ON listings (changed_by);
        UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'listings_changed'::regclass";
    database.client().await.batch_execute(half_made).await.expect("a superuser");
    database
}

async fn is_valid(database: &TestDatabase) -> bool {
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'listings_changed'::regclass";
    database.client().await.query_one(valid, &[]).await.expect("read").get(0)
}

#[tokio::test]
async fn an_index_that_was_left_half_made_is_made_anew() {
    let database = before_the_index().await;
    assert!(!is_valid(&database).await);
    assert_eq!(migrate(&database.config()).await.expect("migrate")[0], INDEX);
    assert!(is_valid(&database).await);
}

#[tokio::test]
async fn an_index_is_made_while_listings_change() {
    let database = as_left_by(3).await;
    let (admin, publisher) = (database.client().await, database.client().await);
    let listed =
        "INSERT INTO packages (id, name, created_at, updated_at) VALUES (1, 'a-kit', 1, 1), (2, 'b-kit', 1, 1);
        INSERT INTO listings (package_id, name, description, latest_version, keywords, artifact_types, downloads,
                              updated_at, artifacts)
        VALUES (1, 'a-kit', '', '1.0.0', '[]', 1, 0, 1, ''), (2, 'b-kit', '', '1.0.0', '[]', 1, 0, 1, '')";
    admin.batch_execute(listed).await.expect("packages");
    let change = "BEGIN; UPDATE listings SET downloads = 1 WHERE package_id = 1";
    admin.batch_execute(change).await.expect("a change under way");
    let config = database.config();
    let migrating = tokio::spawn(async move { migrate(&config).await });
    database.who_waits("CREATE INDEX").await;
    let change = publisher.batch_execute("UPDATE listings SET downloads = 1 WHERE package_id = 2");
    tokio::time::timeout(super::world::PATIENCE, change).await.expect("nobody waits for the index").expect("a change");
    admin.batch_execute("COMMIT").await.expect("commit");
    assert_eq!(migrating.await.expect("a task").expect("migrate")[0], INDEX);
    assert!(is_valid(&database).await);
}

#[tokio::test]
async fn a_migration_that_gets_no_lock_lets_the_others_pass_and_tries_again() {
    let database = before_the_index().await;
    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE listings IN SHARE UPDATE EXCLUSIVE MODE").await.expect("lock");
    let config = database.config();
    let migrating = tokio::spawn(async move { migrate(&config).await });
    let first = database.who_waits("listings_changed").await;
    let waits = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'";
    let watcher = database.client().await;
    let gave_up = async {
        while watcher.query_opt(waits, &[&first]).await.expect("read").is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::world::PATIENCE, gave_up).await.expect("it does not wait for ever");
    assert!(!is_valid(&database).await);
    assert_eq!(database.who_waits("listings_changed").await, first, "it tries again, on the session with the lock");
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    assert_eq!(migrating.await.expect("a task").expect("migrate")[0], INDEX);
    assert!(is_valid(&database).await);
    database.open().await.check().await.expect("a schema");
}
