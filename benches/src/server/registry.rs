use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode};
use tempfile::TempDir;
use tokio::process::Command;

use super::{Account, Canned};
use crate::{
    error::{Failure, Result},
    process::{Running, free_port},
};

/// A rate limit that no load reaches; the limiter is enabled, as for users.
const UNREACHED_LIMIT: &str = "1000000000";
/// How long a server may take to be ready, on a busy machine and with much to migrate.
const PATIENCE: Duration = Duration::from_mins(2);

/// The rate limit classes.
const CLASSES: [&str; 5] = ["SEARCH", "DOWNLOAD", "PUBLISH", "AUTH", "OTHER"];

/// The settings of a server that differ from the defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    settings: Vec<(String, String)>,
    data: Option<PathBuf>,
    is_tls: bool,
}

impl Setup {
    #[must_use]
    pub(crate) fn with(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.settings.push((variable.to_owned(), value.into()));
        self
    }

    /// Uses this data folder instead of a temporary one.
    #[must_use]
    pub(crate) fn in_folder(mut self, data: impl Into<PathBuf>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// Serves HTTPS with a certificate and its key.
    #[must_use]
    pub(crate) fn with_tls(mut self, certificate: &Path, key: &Path) -> Self {
        self.is_tls = true;
        self.with("TLS_CERT", certificate.to_string_lossy()).with("TLS_KEY", key.to_string_lossy())
    }
}

/// Starts servers of the registry with the whole default stack, raised limits, and their log at `info`
/// in a file.
#[derive(Debug)]
pub(crate) struct Launcher {
    binary: PathBuf,
    folder: PathBuf,
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Registry {
    process: Running,
    port: u16,
    scheme: &'static str,
    client: Client,
    ready_after: Duration,
    _folder: TempDir,
}

impl Launcher {
    /// Starts servers with a binary, each with its own folder below `folder`.
    pub(crate) fn new(binary: PathBuf, folder: PathBuf) -> Self {
        Self { binary, folder }
    }

    /// The binary of the server.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(&self, setup: &Setup) -> Result<Registry> {
        let folder = self.own_folder()?;
        let port = free_port()?;
        let mut command = self.command(setup, folder.path());
        let log = fs::File::create(folder.path().join("log")).map_err(Failure::io("no log file"))?;
        let complaints = folder.path().join("complaints");
        let errors = fs::File::create(&complaints).map_err(Failure::io("no log file"))?;
        command.arg("serve").env("PORT", port.to_string()).stdout(log).stderr(errors);
        // The certificate is generated for this run and not trusted.
        let client = Client::builder().tls_danger_accept_invalid_certs(setup.is_tls).build()?;
        let scheme = if setup.is_tls { "https" } else { "http" };
        let start = Instant::now();
        let process = Running::start("the registry", command)?;
        let ready_after = Duration::ZERO;
        let mut server = Registry { process, port, scheme, client, ready_after, _folder: folder };
        server.ready(&complaints).await?;
        server.ready_after = start.elapsed();
        Ok(server)
    }

    /// Runs another command of the binary until it ends.
    pub(crate) async fn run(&self, setup: &Setup, arguments: &[&str]) -> Result<()> {
        let folder = self.own_folder()?;
        let output = self
            .command(setup, folder.path())
            .args(arguments)
            .output()
            .await
            .map_err(Failure::io("the registry does not start"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::Other(format!("`aam-registry {}` fails: {}", arguments.join(" "), end_of_output(&output.stderr))))
    }

    fn own_folder(&self) -> Result<TempDir> {
        TempDir::with_prefix_in("registry-", &self.folder).map_err(Failure::io("no folder can be made"))
    }

    fn command(&self, setup: &Setup, folder: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(folder)
            .env_clear()
            .env("HOST", "127.0.0.1")
            .env("DATA_DIR", setup.data.clone().unwrap_or_else(|| folder.join("data")))
            .env("LOG_LEVEL", "info")
            .env("LOG_FORMAT", "json")
            .envs(CLASSES.map(|class| (format!("RATE_LIMIT_{class}"), UNREACHED_LIMIT)))
            .envs(setup.settings.iter().map(|(variable, value)| (variable, value)))
            .stdin(Stdio::null());
        command
    }
}

impl Registry {
    async fn ready(&mut self, complaints: &Path) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let url = self.url("/ready");
        while Instant::now() < until {
            if self.process.require_alive().is_err() {
                let complaint = fs::read(complaints).unwrap_or_default();
                return Err(Failure::Other(format!("the registry does not start: {}", end_of_output(&complaint))));
            }
            match self.client.get(&url).send().await {
                Ok(response) if response.status() == StatusCode::OK => return Ok(()),
                // Ask often, because the time until it is ready is measured.
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
        Err(Failure::Other(format!("the registry is not ready after {} s", PATIENCE.as_secs())))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// How long it took from the start of the process until it was ready.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Such as `http://127.0.0.1:8000`.
    pub(crate) fn base(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    /// Registers a user, who owns the scope of that name, and logs in.
    pub(crate) async fn register(&self, username: &str) -> Result<Account> {
        Account::register(self.client.clone(), self.base(), username).await
    }

    /// Makes one GET request.
    pub(crate) async fn get(&self, path: &str) -> Result<Canned> {
        self.get_with(path, &[]).await
    }

    /// Makes one GET request with headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(String, String)]) -> Result<Canned> {
        let mut request = self.client.get(self.url(path));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = Canned::of(path, request.send().await?).await?;
        if answer.status < 400 {
            return Ok(answer);
        }
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Err(Failure::Refused { what: "a request", status: answer.status, body })
    }

    /// Kills it and waits until it has ended.
    pub(crate) async fn kill(self) -> Result<()> {
        self.process.kill().await
    }
}

/// The end of a program's error output, on one line.
fn end_of_output(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last: Vec<_> = lines.iter().rev().take(4).rev().copied().collect();
    if last.is_empty() { "it does not say why".to_owned() } else { last.join("; ") }
}
