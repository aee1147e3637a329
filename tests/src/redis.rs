use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    eventually::eventually,
    process::{Process, free_port},
};

/// A Redis server of a test's own; gone when dropped.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: TempDir,
    process: Option<Process>,
}

impl Redis {
    /// Starts one that is empty.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut redis = Self { port: 0, folder, process: None };
        // The port is its own once it answers there.
        for _ in 0..20 {
            redis.port = free_port();
            if redis.launch().await {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Kills it outright; what it had is gone with it.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again where it was, and empty.
    pub async fn start_again(&mut self) {
        let port = self.port;
        eventually(format!("port {port} to be Redis' again"), async || self.launch().await.then_some(())).await;
    }

    /// Lets it hang without closing anything (SIGSTOP).
    pub fn freeze(&self) {
        self.process.as_ref().expect("it runs").signal("STOP");
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.process.as_ref().expect("it runs").signal("CONT");
    }

    /// Starts the process; whether it answers.
    async fn launch(&mut self) -> bool {
        let mut process = Process::spawn(
            Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &self.port.to_string()])
                .arg("--dir")
                .arg(self.folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        let address = self.address();
        let (answers, _) = eventually("redis-server to answer", async || {
            if process.ended().is_some() {
                return Some(false);
            }
            ping(address).await.then_some(true)
        })
        .await;
        self.process = answers.then_some(process);
        answers
    }
}

async fn ping(address: SocketAddr) -> bool {
    let asked = async {
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), asked).await, Ok(Ok(answer)) if &answer == b"+PONG")
}
