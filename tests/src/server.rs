use std::{
    fs::{self, File},
    net::TcpListener,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{api::Api, binary::server_binary};

/// How long a server may take to be ready, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server process; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    base: String,
    stopped: Option<Stopped>,
}

/// A server that does not run, with all it keeps.
#[derive(Debug)]
pub struct Stopped {
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Server {
    /// Starts a server on an empty folder and waits until it is ready. Rates
    /// are not limited.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more environment variables.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Stopped { folder, settings }.start().await
    }

    /// Where it is reached.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A client without a credential.
    pub fn anonymous(&self) -> Api {
        Api::new(&self.base)
    }

    /// Registers a user, logs in, and gives a client with that session.
    pub async fn user(&self, username: &str) -> Api {
        let password = "correct horse battery staple";
        let anonymous = self.anonymous();
        let account = json!({"username": username, "email": format!("{username}@example.com"), "password": password});
        anonymous.post("/api/v1/users/register", &account).await.expect_status(201);
        let login = json!({"username": username, "password": password});
        let session = anonymous.post("/api/v1/users/login", &login).await.expect_status(200).json();
        anonymous.with_token(session["access_token"].as_str().expect("a token"))
    }

    /// Where it keeps its data.
    pub fn data_dir(&self) -> std::path::PathBuf {
        self.kept().data_dir()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.kept().log()).unwrap_or_default()
    }

    /// Kills the process outright (SIGKILL) and waits until it is gone.
    pub fn kill(mut self) -> Stopped {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
        self.stopped.take().expect("taken only here and in terminate")
    }

    /// Asks the process to end (SIGTERM) and waits until it has.
    #[cfg(unix)]
    pub async fn terminate(mut self) -> (Stopped, ExitStatus) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(asked.success());
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                return (self.stopped.take().expect("taken only here and in kill"), status);
            }
            assert!(Instant::now() < until, "it did not end on SIGTERM:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn kept(&self) -> &Stopped {
        self.stopped.as_ref().expect("held while it runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stopped {
    /// Starts it again on the same data, and waits until it is ready.
    pub async fn start(self) -> Server {
        let port = free_port();
        let log = File::options().create(true).append(true).open(self.log()).expect("a log file");
        let child = Command::new(server_binary())
            .arg("serve")
            .current_dir(self.folder.path())
            .env_clear()
            .envs(["PATH", "HOME", "SYSTEMROOT"].iter().filter_map(|key| Some((key, std::env::var_os(key)?))))
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .env("DATA_DIR", self.data_dir())
            .env("LOG_LEVEL", "info")
            .envs(["SEARCH", "DOWNLOAD", "PUBLISH", "AUTH", "OTHER"].map(|class| (format!("RATE_LIMIT_{class}"), "0")))
            .envs(self.settings.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut server = Server { child, base: format!("http://127.0.0.1:{port}"), stopped: Some(self) };
        server.wait_until_ready().await;
        server
    }

    fn data_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("server.log")
    }
}

impl Server {
    async fn wait_until_ready(&mut self) {
        let api = self.anonymous();
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                panic!("the server ended at once with {status}:\n{}", self.log());
            }
            if api.try_get("/ready").await.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            assert!(Instant::now() < until, "the server is not ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}
