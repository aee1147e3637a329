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

/// A Redis server for one test; removed when dropped.
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
        // The port may be taken by another process, so try until the server answers on one.
        for _ in 0..20 {
            redis.port = free_port();
            if redis.launch().await {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Kills it; its data is lost.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port, empty.
    pub async fn start_again(&mut self) {
        let port = self.port;
        eventually(format!("port {port} to be Redis' again"), async || self.launch().await.then_some(())).await;
    }

    /// Makes it hang without closing connections (SIGSTOP).
    pub fn freeze(&self) {
        self.process.as_ref().expect("it runs").signal("STOP");
    }

    /// Continues it after [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.process.as_ref().expect("it runs").signal("CONT");
    }

    /// Starts the process; returns whether it answers.
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
