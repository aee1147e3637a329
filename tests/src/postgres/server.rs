use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::PathBuf, process::Stdio};

use tempfile::TempDir;
use tokio_postgres::Client;

use super::{connect, programs::program, template};
use crate::{
    eventually::eventually,
    process::{Process, free_port, send_signal},
};

/// Nothing has to survive a power cut, so nothing is synced. Commits have to survive killing the
/// process, so they are written before they are acknowledged.
const OPTIONS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=on",
    "shared_buffers=32MB",
];

/// A PostgreSQL server for one test, with an empty database; removed when dropped.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    password: String,
    folder: TempDir,
    process: Option<Process>,
}

impl Postgres {
    /// Starts one.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir();
        let folder = folder.expect("a temporary folder");
        let password = template::copy_to(&folder.path().join("data"));
        let mut postgres = Self { port: 0, password, folder, process: None };
        // The port may be taken by another process, so try until the server answers on one.
        for _ in 0..20 {
            postgres.port = free_port();
            if postgres.launch().await {
                return postgres;
            }
        }
        panic!("PostgreSQL does not start:\n{}", postgres.log());
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The URL of its database through another address of the server.
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("postgresql://postgres:{}@{address}/postgres", self.password)
    }

    /// A connection to the database.
    pub async fn client(&self) -> Client {
        connect(&self.url()).await.expect("the database answers")
    }

    /// Stops it with a fast shutdown, which rolls back running transactions.
    pub async fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal("INT");
        assert!(process.end().await.is_some(), "it does not end:\n{}", self.log());
    }

    /// Copies all its data, while it is stopped.
    pub fn back_up(&self) {
        assert!(self.process.is_none(), "it runs");
        template::copy(&self.data(), &self.folder.path().join("backup")).expect("our own folder");
    }

    /// Restores the data of the last backup, while it is stopped.
    pub fn go_back(&self) {
        assert!(self.process.is_none(), "it runs");
        fs::remove_dir_all(self.data()).expect("our own folder");
        fs::rename(self.folder.path().join("backup"), self.data()).expect("our own folder");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Kills it and the processes of its connections (SIGKILL).
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        let main = process.id();
        let children = fs::read_to_string(format!("/proc/{main}/task/{main}/children")).expect("a kernel that tells");
        process.kill();
        for child in children.split_ascii_whitespace() {
            send_signal(child.parse().expect("a number"), "KILL");
        }
    }

    /// Starts it again on the same port and data.
    pub async fn start_again(&mut self) {
        let port = self.port;
        eventually(format!("port {port} to be PostgreSQL's again"), async || self.launch().await.then_some(())).await;
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts the process; returns whether it answers.
    async fn launch(&mut self) -> bool {
        let log = fs::File::options().create(true).append(true).open(self.log_file()).expect("a log file");
        let mut command = program("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for option in OPTIONS {
            command.args(["-c", option]);
        }
        command.current_dir(self.folder.path()).env_clear();
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        let mut process = Process::spawn(&mut command);
        let url = self.url();
        let (answers, _) = eventually("PostgreSQL to answer", async || {
            if process.ended().is_some() {
                return Some(false);
            }
            connect(&url).await.is_ok().then_some(true)
        })
        .await;
        self.process = answers.then_some(process);
        answers
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}
