use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    api::Api,
    command::{Ran, server_program},
    eventually::PATIENCE,
    process::{Process, free_port},
    settings::Settings,
    stores::Stores,
};

/// The variable that selects the stack for tests that run on any.
const STACK: &str = "AAM_TEST_STACK";

/// A running server process; killed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Process,
    base: String,
    stopped: Option<Stopped>,
}

/// A stopped server with its data and settings.
#[derive(Debug)]
pub struct Stopped {
    folder: TempDir,
    settings: Settings,
    /// The stores that only it uses; removed with it.
    _stores: Option<Arc<Stores>>,
}

impl Server {
    /// Starts a new server and waits until it is ready. Requests are not rate limited.
    ///
    /// `AAM_TEST_STACK` selects what it runs on: `local`, the default, is a folder; `production` is
    /// PostgreSQL, S3 and Redis of its own.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with additional environment variables.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let stores = match env::var(STACK).as_deref() {
            Err(_) | Ok("local") => None,
            Ok("production") => Some(Arc::new(Stores::start().await)),
            Ok(other) => panic!("{STACK} is `local` or `production`, not `{other}`"),
        };
        let on = stores.as_ref().map(|stores| stores.settings()).unwrap_or_default();
        Stopped { _stores: stores, ..Stopped::new(on.and(settings)) }.start().await
    }

    /// Starts one with exactly these environment variables.
    pub async fn start_on(settings: Settings) -> Self {
        Stopped::new(settings).start().await
    }

    /// Its base URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A client without a credential.
    pub fn anonymous(&self) -> Api {
        Api::new(&self.base)
    }

    /// Registers a user, logs in, and returns a client with that session.
    pub async fn user(&self, username: &str) -> Api {
        let password = "correct horse battery staple";
        let anonymous = self.anonymous();
        let account = json!({"username": username, "email": format!("{username}@example.com"), "password": password});
        anonymous.post("/api/v1/users/register", &account).await.expect_status(201);
        let login = json!({"username": username, "password": password});
        let session = anonymous.post("/api/v1/users/login", &login).await.expect_status(200).json();
        anonymous.with_token(session["access_token"].as_str().expect("a token"))
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.kept().data_dir()
    }

    /// Everything it has logged, including before restarts.
    pub fn log(&self) -> String {
        self.kept().log()
    }

    /// Runs another command of the server's program on the same data.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.kept().command();
        command.args(arguments);
        Ran::of(command).await
    }

    /// Kills the process (SIGKILL) and waits until it has ended.
    pub fn kill(mut self) -> Stopped {
        self.process.kill();
        self.stopped.take().expect("taken only here and in terminate")
    }

    /// Asks the process to stop (SIGTERM) and waits until it has ended.
    pub async fn terminate(mut self) -> (Stopped, ExitStatus) {
        self.process.signal("TERM");
        let Some(status) = self.process.end().await else { panic!("it did not end on SIGTERM:\n{}", self.log()) };
        (self.stopped.take().expect("taken only here and in kill"), status)
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) {
        let is_ready = self.answers("/ready", |status| status == 200).await;
        assert!(is_ready, "the server ended:\n{}", self.log());
    }

    /// Waits until it answers at all; `false` if it ends before.
    async fn listens(&mut self) -> bool {
        self.answers("/health", |_| true).await
    }

    async fn answers(&mut self, path: &str, as_wanted: fn(u16) -> bool) -> bool {
        let api = self.anonymous();
        let until = Instant::now() + PATIENCE;
        while self.process.ended().is_none() {
            if api.try_get(path).await.is_ok_and(|answer| as_wanted(answer.status)) {
                return true;
            }
            assert!(Instant::now() < until, "{path} is not what it shall be:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    fn kept(&self) -> &Stopped {
        self.stopped.as_ref().expect("held while it runs")
    }
}

impl Stopped {
    /// A server that has not run yet.
    pub fn new(settings: Settings) -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), settings, _stores: None }
    }

    /// Writes its `config.yaml`.
    #[must_use]
    pub fn with_config(self, yaml: &str) -> Self {
        fs::write(self.folder.path().join("config.yaml"), yaml).expect("our own folder");
        self
    }

    /// Starts it on the same data, and waits until it is ready.
    pub async fn start(self) -> Server {
        let mut server = self.launch().await;
        server.ready().await;
        server
    }

    /// Starts it on the same data, and waits only until it listens.
    pub async fn launch(mut self) -> Server {
        loop {
            let mut server = self.spawn();
            if server.listens().await {
                return server;
            }
            let log = server.log();
            // Another test may have taken the free port first.
            assert!(log.contains("the port is in use"), "the server ended at once:\n{log}");
            self = server.stopped.take().expect("held while it runs");
        }
    }

    /// Starts it on the same data, and does not wait: for a server that answers no plain HTTP.
    pub fn spawn_unheard(self) -> Server {
        self.spawn()
    }

    /// Everything that was logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn spawn(self) -> Server {
        let port = free_port();
        let log = File::options().create(true).append(true).open(self.log_file()).expect("a log file");
        let mut command = self.command();
        command
            .arg("serve")
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        Server { process: Process::spawn(&mut command), base: format!("http://127.0.0.1:{port}"), stopped: Some(self) }
    }

    /// The server's program with its settings, in its folder.
    fn command(&self) -> Command {
        let mut command = server_program(&self.settings);
        command.current_dir(self.folder.path()).env("DATA_DIR", self.data_dir());
        command
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}
