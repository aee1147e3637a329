use std::{
    env,
    io::Write,
    net::{SocketAddr, ToSocketAddrs},
    process::Stdio,
    thread,
};

use tokio_postgres::{Client, Config, NoTls, config::Host};

use super::{connect, programs::client};
use crate::process::random;

/// The variable with the URL of a server on which tests may create databases.
const VARIABLE: &str = "AAM_TEST_POSTGRES_URL";

/// An empty database for one test, on the server that all tests share; dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    server: Config,
}

impl Database {
    /// Creates one.
    ///
    /// # Panics
    /// If `AAM_TEST_POSTGRES_URL` does not name a server on which databases can be created.
    pub async fn create() -> Self {
        let server = env::var(VARIABLE).unwrap_or_else(|_| {
            panic!(
                "{VARIABLE} is not set: run this as `scripts/services COMMAND`, or name a PostgreSQL superuser's URL"
            )
        });
        let name = format!("aam_test_{:016x}", random());
        let admin = connect(&server).await.unwrap_or_else(|error| panic!("{VARIABLE}: {error}"));
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the right to create databases");
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').unwrap_or_else(|| panic!("{VARIABLE} names no database"));
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let server: Config = server.parse().expect("connected with it");
        Self { url: format!("{base}/{name}{query}"), name, server }
    }

    /// The URL of the database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of its server.
    pub fn address(&self) -> SocketAddr {
        let host = match self.server.get_hosts() {
            [Host::Tcp(host), ..] => host.as_str(),
            _ => panic!("{VARIABLE} names no host"),
        };
        let port = self.server.get_ports().first().copied().unwrap_or(5432);
        (host, port).to_socket_addrs().expect("a host that is known").next().expect("an address")
    }

    /// The URL of the database through another address of its server.
    pub fn url_at(&self, address: SocketAddr) -> String {
        let (before, rest) = self.url.rsplit_once('@').unwrap_or_else(|| panic!("{VARIABLE} names no user"));
        let (_, database) = rest.split_once('/').expect("built with one");
        format!("{before}@{address}/{database}")
    }

    /// Dumps it, as an operator does.
    pub fn dump(&self) -> Vec<u8> {
        let dumped = client("pg_dump").args(["--format=custom", "--dbname", &self.url]).output();
        let dumped = dumped.expect("pg_dump runs");
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        dumped.stdout
    }

    /// Restores a dump while others are connected.
    pub fn restore(&self, dump: &[u8]) {
        let restoring = client("pg_restore")
            .args(["--clean", "--if-exists", "--single-transaction", "--dbname", &self.url])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut restoring = restoring.expect("pg_restore runs");
        restoring.stdin.take().expect("piped").write_all(dump).expect("it reads all");
        let restored = restoring.wait_with_output().expect("pg_restore ends");
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    }

    /// A connection to it.
    pub async fn client(&self) -> Client {
        connect(&self.url).await.expect("the database answers")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A thread of a runtime must not block on that runtime.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let (client, connection) = server.connect(NoTls).await.map_err(std::io::Error::other)?;
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                tokio::select! {
                    dropped = client.batch_execute(&drop) => dropped.map_err(std::io::Error::other),
                    ended = connection => ended.map_err(std::io::Error::other),
                }
            })
        });
        let dropped = dropping.join().expect("no panic");
        assert!(dropped.is_ok() || thread::panicking(), "{}: {dropped:?}", self.name);
    }
}
