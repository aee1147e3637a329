use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Api, Server, binary::client_binary, command::Ran};

/// A machine with the client `aam` on it, whose registry is a [`Server`].
#[derive(Debug)]
pub struct Machine {
    folder: TempDir,
    registry: String,
    token: Option<String>,
}

impl Machine {
    /// A machine of the new user `username` of `server`, whose token publishes.
    pub async fn new(server: &Server, username: &str) -> Self {
        Self::with_scopes(server, username, &["publish"]).await
    }

    /// The same with a token of those scopes.
    pub async fn with_scopes(server: &Server, username: &str, scopes: &[&str]) -> Self {
        Self::of(server, &server.user(username).await, scopes).await
    }

    /// A machine of a user of `server`, with a token of these scopes.
    pub async fn of(server: &Server, user: &Api, scopes: &[&str]) -> Self {
        let token = serde_json::json!({"name": "machine", "scopes": scopes, "expires_in_days": 1});
        let token = user.post("/api/v1/users/tokens", &token).await.expect_status(201).json();
        let token = token["token"].as_str().expect("a token").to_owned();
        Self { token: Some(token), ..Self::without_login(server) }
    }

    /// A machine on which nobody is logged in, such as one of CI.
    pub fn without_login(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, registry: server.base().to_owned(), token: None }
    }

    /// An empty folder in it, made if it is missing.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// Runs `aam --json` in a folder of the machine; it must succeed. Gives what it printed.
    #[track_caller]
    pub fn aam(&self, folder: &Path, arguments: &[&str]) -> impl Future<Output = Value> {
        self.aam_exits(folder, arguments, 0)
    }

    /// The same where it must exit with `code`; gives what it printed, a failure too.
    #[track_caller]
    pub fn aam_exits(&self, folder: &Path, arguments: &[&str], code: i32) -> impl Future<Output = Value> {
        let ran = self.run(folder, arguments, &[]);
        async move { ran.await.expect_code(code).json() }
    }

    /// Runs `aam --json` in a folder of the machine with additional environment variables.
    pub fn run(
        &self,
        folder: &Path,
        arguments: &[&str],
        variables: &[(&str, String)],
    ) -> impl Future<Output = Ran> + use<> {
        let mut command = self.command(folder, variables);
        command.arg("--json").args(arguments);
        Ran::of(command)
    }

    /// Runs `aam` without `--json` in a folder of the machine, as a person does.
    pub fn run_plainly(&self, folder: &Path, arguments: &[&str]) -> impl Future<Output = Ran> + use<> {
        let mut command = self.command(folder, &[]);
        command.args(arguments);
        Ran::of(command)
    }

    /// Runs `aam --json` in a folder of the machine, and gives it `input` to read.
    pub async fn run_with_input(&self, folder: &Path, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(folder, &[]);
        command.arg("--json").args(arguments);
        Ran::fed(command, input).await
    }

    fn command(&self, folder: &Path, variables: &[(&str, String)]) -> Command {
        let mut command = Command::new(client_binary());
        command.env_clear().envs(["PATH", "SYSTEMROOT"].iter().filter_map(|key| Some((key, env::var_os(key)?))));
        command.env("HOME", self.folder.path()).env("AAM_REGISTRY", &self.registry);
        command.envs(self.token.iter().map(|token| ("AAM_TOKEN", token))).envs(variables.iter().cloned());
        command.current_dir(folder);
        command
    }
}
