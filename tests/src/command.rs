use std::{
    env, fs,
    io::{Seek, Write},
    os::unix::fs::MetadataExt,
    process::{Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::task;

use crate::{binary::server_binary, settings::Settings};

/// The server's program with these settings and nothing else of this process's environment. Requests
/// are not rate limited unless the settings say so.
pub(crate) fn server_program(settings: &Settings) -> Command {
    let mut command = Command::new(server_binary());
    command
        .env_clear()
        .envs(["PATH", "HOME", "SYSTEMROOT"].iter().filter_map(|key| Some((key, env::var_os(key)?))))
        .env("LOG_LEVEL", "info")
        .envs(["SEARCH", "DOWNLOAD", "PUBLISH", "AUTH", "OTHER"].map(|class| (format!("RATE_LIMIT_{class}"), "0")))
        .envs(settings.iter());
    command
}

/// The output of a command of the server's program, and its exit code.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
}

impl Ran {
    /// Runs a command of the server's program in an empty folder until it ends.
    pub async fn on(settings: &Settings, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = server_program(settings);
        command.args(arguments).current_dir(folder.path());
        Self::of(command).await
    }

    /// Runs a command of the server's program in an empty folder and kills it (SIGKILL) after that time. Its output if
    /// it had ended before.
    pub async fn killed_after(time: Duration, settings: &Settings, arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = server_program(settings);
        command.args(arguments).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command runs");
        tokio::time::sleep(time).await;
        // It may have ended already.
        let _ = child.kill();
        let ended =
            task::spawn_blocking(move || child.wait_with_output()).await.expect("no panic").expect("its output");
        ended.status.code().map(|_| Self::with(ended))
    }

    fn with(ended: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code: ended.status.code(), stdout: text(ended.stdout), stderr: text(ended.stderr) }
    }

    /// Runs it as a user who may write nowhere. Tests that run as root would find no folder that they may not write.
    pub async fn without_privileges(settings: &Settings, arguments: &[&str]) -> Self {
        let program = server_program(settings);
        let mut command = if fs::metadata("/proc/self").expect("Linux").uid() == 0 {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program.get_program());
            command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command
        } else {
            program
        };
        command.args(arguments).current_dir("/");
        Self::of(command).await
    }

    pub(crate) async fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::ended(command).await
    }

    /// The same for a command that reads `input`.
    pub(crate) async fn fed(mut command: Command, input: &str) -> Self {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(input.as_bytes()).and_then(|()| file.rewind()).expect("written");
        command.stdin(file);
        Self::ended(command).await
    }

    async fn ended(mut command: Command) -> Self {
        // The command may connect to a server in this process, so do not block the runtime.
        let ran = task::spawn_blocking(move || command.output());
        let ran = ran.await.expect("no panic").expect("the command runs");
        Self::with(ran)
    }

    /// Asserts the exit code.
    #[expect(clippy::return_self_not_must_use, reason = "often the code is all that matters")]
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }

    /// The standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}
