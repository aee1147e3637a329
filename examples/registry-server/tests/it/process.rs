//! The server as a process.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// A file or folder of the repository. Cargo says at run time where the package is: the path that was compiled in may
/// name another checkout that shared the target folder.
pub(crate) fn in_repository(path: &str) -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.join("../..").join(path)
}

/// A folder in which servers are started, and their settings.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), environment: Vec::new() }
    }

    /// Sets a variable for everything that is started from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aam-registry"));
        command.args(args).current_dir(self.folder.path()).env_clear().envs(self.environment.iter().cloned());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with_input(args, "")
    }

    /// Runs a command to its end, with `input` on its standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A command that does not read its input closes it early.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        Ran(child.wait_with_output().expect("it ends"))
    }

    /// Starts a server on a free port and waits until it is ready.
    pub(crate) fn serve(&self, args: &[&str]) -> Server {
        self.serve_until(args, "server_started")
    }

    /// Starts a server on a free port and waits until its log says `event`.
    pub(crate) fn serve_until(&self, args: &[&str], event: &str) -> Server {
        Self::started(&mut self.command(args), event)
    }

    /// Starts the server by a command that ends up as it.
    pub(crate) fn serve_by(&self, mut command: Command) -> Server {
        command.current_dir(self.folder.path()).env_clear().envs(self.environment.iter().cloned());
        command.env("PATH", env::var_os("PATH").expect("a path"));
        Self::started(&mut command, "server_started")
    }

    /// Starts a server with a limit on open files.
    pub(crate) fn serve_with_files(&self, files: u32) -> Server {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files} && exec \"$0\""), env!("CARGO_BIN_EXE_aam-registry")]);
        command.current_dir(self.folder.path()).env_clear().envs(self.environment.iter().cloned());
        Self::started(&mut command, "server_started")
    }

    /// Starts a server for which a write beyond the limit on file sizes is an error instead of a fatal
    /// signal.
    pub(crate) fn serve_on_a_disk_that_may_fill(&self) -> Server {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ && exec \"$0\"", env!("CARGO_BIN_EXE_aam-registry")]);
        command.current_dir(self.folder.path()).env_clear().envs(self.environment.iter().cloned());
        Self::started(&mut command, "server_started")
    }

    fn started(command: &mut Command, event: &str) -> Server {
        let mut server = Server::start(command.env("PORT", "0"));
        server.started = server.wait_for(event);
        server
    }
}

/// A command that ran to its end.
pub(crate) struct Ran(Output);

impl Ran {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.0.status.success(), "{}{}", self.stdout(), self.stderr());
        self
    }

    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        assert_eq!(self.0.status.code(), Some(1), "{}{}", self.stdout(), self.stderr());
        self
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).expect("UTF-8")
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).expect("UTF-8")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout()).expect("JSON")
    }
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    lines: mpsc::Receiver<String>,
    log: Arc<Mutex<Vec<String>>>,
    /// The log line of its start.
    pub(crate) started: Value,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (send, lines) = mpsc::channel();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                kept.lock().expect("not poisoned").push(line.clone());
                let _ = send.send(line);
            }
        });
        Self { child, lines, log, started: Value::Null }
    }

    /// Waits for the next line about `event`.
    #[track_caller]
    pub(crate) fn wait_for(&self, event: &str) -> Value {
        loop {
            let line =
                self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no `{event}` in {:#?}", self.log()));
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            if line["event"] == event {
                return line;
            }
        }
    }

    /// Every line of the log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("not poisoned").clone()
    }

    /// Stops the server and returns its whole log. Lines of different threads may come late and out of
    /// order.
    pub(crate) fn whole_log(mut self) -> Vec<String> {
        self.terminate();
        assert!(self.wait().success());
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.log(),
                Err(RecvTimeoutError::Timeout) => panic!("the log has no end: {:#?}", self.log()),
            }
        }
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        let address = self.started["address"].as_str().expect("an address");
        address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let killed = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(killed.expect("a shell").success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The permissions of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}
