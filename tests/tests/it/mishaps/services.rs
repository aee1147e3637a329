//! PostgreSQL and Redis that let the server in or not.

use aam_registry_tests::{Ran, Redis, Settings, Stopped, postgres::Database};
use insta::assert_snapshot;

use super::{line, plain, refusal, settings};

/// The settings of a server on that database.
fn on(url: &str) -> Settings {
    Settings::default().with("DATABASE_URL", url).with("JWT_SECRET", "0123456789abcdef0123456789abcdef")
}

/// What a server that waits for its database says once, and what a command says that cannot wait.
async fn told(url: &str) -> String {
    let server = Stopped::new(on(url)).launch().await;
    let waits = line(&server, "database_unreachable").await;
    // Nothing else that needs the database has begun, so that this is the only line about it.
    let log = server.log();
    assert!(
        !log.contains("background_job_failed") && !log.contains(r#""level":"warn","event":"database_listener"#),
        "{log}"
    );
    let command = Ran::on(&on(url), &["migrate"]).await.expect_code(1);
    plain(&format!("{waits}\n{}", command.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_connections() {
    assert_snapshot!(told("postgresql://aam:secret@127.0.0.1:1/aam").await, @r#"
    warn: waiting for the database: error connecting to server: Connection refused (os error 111); start PostgreSQL, or set the host and port in DATABASE_URL right, and see that it admits this machine
    error: the database postgresql://127.0.0.1:1/aam cannot be used: error connecting to server: Connection refused (os error 111); start PostgreSQL, or set the host and port in DATABASE_URL right, and see that it admits this machine
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_the_password() {
    let database = Database::create().await;
    let (_, rest) = database.url().split_once('@').expect("a URL with a user");
    assert_snapshot!(told(&format!("postgresql://postgres:wrong@{rest}")).await, @r#"
    warn: waiting for the database: password authentication failed for user "postgres" (SQLSTATE 28P01); set the user and password in DATABASE_URL right, and see that pg_hba.conf of PostgreSQL admits this machine
    error: the database postgresql://127.0.0.1:PORT/NAME cannot be used: password authentication failed for user "postgres" (SQLSTATE 28P01); set the user and password in DATABASE_URL right, and see that pg_hba.conf of PostgreSQL admits this machine
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_exist() {
    let database = Database::create().await;
    let (server, _) = database.url().rsplit_once('/').expect("a URL with a name");
    assert_snapshot!(told(&format!("{server}/nowhere")).await, @r#"
    warn: waiting for the database: database "nowhere" does not exist (SQLSTATE 3D000); create it with `createdb --owner USER NAME`, or set its name in DATABASE_URL right
    error: the database postgresql://127.0.0.1:PORT/nowhere cannot be used: database "nowhere" does not exist (SQLSTATE 3D000); create it with `createdb --owner USER NAME`, or set its name in DATABASE_URL right
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_behind() {
    let database = Database::create().await;
    let server = Stopped::new(on(database.url())).launch().await;
    assert_snapshot!(line(&server, "schema_behind").await, @r"warn: waiting for the schema to be migrated: run `aam-registry migrate`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_release() {
    let database = Database::create().await;
    Ran::on(&on(database.url()), &["migrate"]).await.expect_code(0);
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                     VALUES (9999, 'newer', '2030-01-01T00:00:00Z', '0');
                 UPDATE schema_compatibility SET oldest_release = '9.0.0'";
    database.client().await.batch_execute(newer).await.expect("written");
    let serves = on(database.url()).and(&[("HOST", "127.0.0.1"), ("PORT", "0")]);
    let told = refusal(&serves).await.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    assert_snapshot!(told, @r"error: the database postgresql://127.0.0.1:PORT/NAME cannot be used: its schema was made by a newer release and serves 9.0.0 and later; this is VERSION: replace it by a newer one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_refuses_the_password() {
    let redis = Redis::start().await;
    let url = format!("redis://:wrong@{}", redis.address());
    let server = Stopped::new(settings().with("REDIS_URL", url)).start().await;
    assert_snapshot!(line(&server, "redis_failed").await, @r"warn: redis cannot be used, and the registry goes on without it until it can: set the user and password in its URL right");
}
