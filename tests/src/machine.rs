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
    token: String,
}

impl Machine {
    /// A machine of the new user `username` of `server`.
    pub async fn new(server: &Server, username: &str) -> Self {
        Self::of(server, &server.user(username).await, &["publish"]).await
    }

    /// A machine of a user of `server`, with a token of these scopes.
    pub async fn of(server: &Server, user: &Api, scopes: &[&str]) -> Self {
        let token = serde_json::json!({"name": "machine", "scopes": scopes, "expires_in_days": 1});
        let token = user.post("/api/v1/users/tokens", &token).await.expect_status(201).json();
        let token = token["token"].as_str().expect("a token").to_owned();
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, registry: server.base().to_owned(), token }
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
        let mut command = Command::new(client_binary());
        command.env_clear().envs(["PATH", "SYSTEMROOT"].iter().filter_map(|key| Some((key, env::var_os(key)?))));
        command.env("HOME", self.folder.path()).env("AAM_REGISTRY", &self.registry).env("AAM_TOKEN", &self.token);
        command.arg("--json").args(arguments).current_dir(folder);
        async move { Ran::of(command).await.expect_code(code).json() }
    }
}
