//! What the tests start from: a database of their own on the server that
//! `AAM_TEST_POSTGRES_URL` names, which `scripts/services` starts.

use std::{
    collections::hash_map::DefaultHasher,
    env, fs,
    hash::{Hash, Hasher},
    path::Path,
    sync::LazyLock,
    thread,
    time::Duration,
};

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata, migrate};
use tokio_postgres::{Client, NoTls};

pub(super) use crate::world::{actor, publish, publish_within};

/// How long a test waits for what has to happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The advisory lock of whoever makes the template.
const TEMPLATE: i64 = 0x7465_6d70_6c61_7465;

static SERVER: LazyLock<String> = LazyLock::new(|| {
    std::env::var("AAM_TEST_POSTGRES_URL")
        .expect("AAM_TEST_POSTGRES_URL is not set; run the tests by `scripts/services cargo nextest run …`")
});

/// A database that is dropped when this is.
#[derive(Debug)]
pub(super) struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// A database with the schema of this release.
    pub(super) async fn new() -> Self {
        let admin = connect(&SERVER).await;
        admin.execute("SELECT pg_advisory_lock($1)", &[&TEMPLATE]).await.expect("lock");
        let template = template_name();
        if !exists(&admin, &template).await {
            let unfinished = Self::make(&admin, &locale(&admin).await).await;
            migrate(&unfinished.config()).await.expect("migrate");
            end_connections(&admin, &unfinished.name).await;
            let rename = format!("ALTER DATABASE {} RENAME TO {template}", unfinished.name);
            admin.batch_execute(&rename).await.expect("rename");
        }
        admin.execute("SELECT pg_advisory_unlock($1)", &[&TEMPLATE]).await.expect("unlock");
        Self::make(&admin, &format!("TEMPLATE {template}")).await
    }

    /// A database without any schema.
    pub(super) async fn empty() -> Self {
        let admin = connect(&SERVER).await;
        let locale = locale(&admin).await;
        Self::make(&admin, &locale).await
    }

    async fn make(admin: &Client, like: &str) -> Self {
        let name = format!("aam_{:032x}", rand_u128());
        admin.batch_execute(&format!("CREATE DATABASE {name} {like}")).await.expect("create a database");
        Self { name }
    }

    pub(super) fn url(&self) -> String {
        let (server, _) = SERVER.rsplit_once('/').expect("a URL of a database");
        format!("{server}/{}", self.name)
    }

    pub(super) fn config(&self) -> PostgresConfig {
        PostgresConfig::new(&self.url()).expect("a URL").with_application_name(self.name.as_str())
    }

    /// As somebody else.
    pub(super) fn config_as(&self, role: &str, password: &str) -> PostgresConfig {
        let url = self.url();
        let (_, server) = url.split_once('@').expect("a URL with a user");
        PostgresConfig::new(&format!("postgres://{role}:{password}@{server}")).expect("a URL")
    }

    pub(super) async fn open(&self) -> PostgresMetadata {
        PostgresMetadata::open(self.config()).await.expect("a database")
    }

    /// A connection beside those of the registry.
    pub(super) async fn client(&self) -> Client {
        connect(&self.url()).await
    }

    /// Waits until the registry has so many sessions.
    pub(super) async fn has_sessions(&self, wanted: i64) {
        let watcher = connect(&SERVER).await;
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        let counted = async {
            while watcher.query_one(sessions, &[&self.name]).await.expect("read").get::<_, i64>(0) != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, counted).await.expect("so many sessions");
    }

    /// Waits until a session waits for a lock in a statement that holds `what`; gives its process.
    pub(super) async fn who_waits(&self, what: &str) -> i32 {
        // A session sees the others as they were when its transaction began, so this one has none.
        let watcher = self.client().await;
        let waits = "SELECT pid FROM pg_stat_activity
                     WHERE datname = $1 AND wait_event_type = 'Lock' AND query LIKE '%' || $2 || '%'";
        let waiting = async {
            loop {
                match watcher.query(waits, &[&self.name, &what]).await.expect("read").first() {
                    Some(row) => return row.get(0),
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("somebody waits for a lock")
    }

    /// How many sessions wait for a lock.
    pub(super) async fn waiters(&self) -> i64 {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'";
        self.client().await.query_one(waits, &[&self.name]).await.expect("read").get(0)
    }

    /// Waits until no session waits for a lock.
    pub(super) async fn nobody_waits(&self) {
        let watcher = self.client().await;
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'";
        let over = async {
            while watcher.query_one(waits, &[&self.name]).await.expect("read").get::<_, i64>(0) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, over).await.expect("nobody waits for a lock");
    }

    /// The name the server knows it by.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { connect(&SERVER).await.batch_execute(&drop).await.expect("drop a database") });
        });
        assert!(dropped.join().is_ok() || thread::panicking(), "the database was not dropped");
    }
}

/// A database with the schema of this release, and what keeps it there.
pub(super) async fn database() -> (PostgresMetadata, TestDatabase) {
    let database = TestDatabase::new().await;
    (database.open().await, database)
}

pub(super) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a server");
    tokio::spawn(connection);
    client
}

/// A URL of that server with other parts.
pub(super) fn server_url() -> &'static str {
    &SERVER
}

async fn exists(admin: &Client, name: &str) -> bool {
    admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.expect("read").is_some()
}

/// What of the registry was connected does not keep a template from being copied.
pub(super) async fn end_connections(admin: &Client, name: &str) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    while !admin.query(end, &[&name]).await.expect("end").is_empty() {
        tokio::task::yield_now().await;
    }
}

/// A locale in which nothing sorts by bytes by itself, where the server has one.
async fn locale(admin: &Client) -> String {
    let version = admin.query_one("SELECT current_setting('server_version_num')::int", &[]).await.expect("a version");
    let icu = if version.get::<_, i32>(0) >= 150_000 { " LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" } else { "" };
    format!("TEMPLATE template0{icu}")
}

/// A name for what these migrations make.
fn template_name() -> String {
    // The path that was compiled in may name another checkout that shared the target folder.
    let package = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let folder = Path::new(&package).join("src/postgres/migrations");
    let mut files: Vec<_> = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(file).expect("a migration").hash(&mut hasher);
    }
    format!("aam_template_{:016x}", hasher.finish())
}

fn rand_u128() -> u128 {
    uuid::Uuid::new_v4().as_u128()
}
