use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
};

use redis::Client;
use tempfile::TempDir;

use super::world::until;

/// A Redis for one test, which may be killed.
pub(super) struct Server {
    process: Child,
    port: u16,
    options: Vec<String>,
    folder: TempDir,
}

impl Server {
    /// A new one, which saves nothing unless told to.
    pub(super) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A new one with more options.
    pub(super) async fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let port = free_port();
        let process = spawn(port, folder.path(), &options);
        let mut server = Self { process, port, options, folder };
        server.is_up().await;
        server
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn kill(&mut self) {
        self.process.kill().expect("kill");
        self.process.wait().expect("wait");
    }

    /// Starts it again after [`kill`](Self::kill), with the data it had saved.
    pub(super) async fn restart(&mut self) {
        self.process = spawn(self.port, self.folder.path(), &self.options);
        self.is_up().await;
    }

    /// Stops the process without ending it, like a machine that hangs.
    pub(super) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(super) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.process.id().to_string()).status();
        assert!(status.expect("kill").success());
    }

    async fn is_up(&mut self) {
        let client = Client::open(self.url()).expect("a client");
        until("redis-server starts", async || {
            if let Some(status) = self.process.try_wait().expect("wait") {
                panic!("redis-server ended: {status}");
            }
            let connection = client.get_multiplexed_async_connection().await;
            let Ok(mut connection) = connection else { return false };
            match redis::cmd("PING").query_async::<String>(&mut connection).await {
                Ok(pong) => pong == "PONG",
                // It is running, and requires a password.
                Err(error) => error.code() == Some("NOAUTH"),
            }
        })
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16, folder: &Path, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--loglevel", "warning", "--port"]).arg(port.to_string());
    command.arg("--dir").arg(folder).args(options).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the feature `service-tests` needs `redis-server` on the PATH")
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    listener.local_addr().expect("an address").port()
}
