use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::error::{Failure, Result};

/// A server process that ends with this value.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pid: u32,
    name: String,
    /// The signal that asks it to stop before it is killed; `None` to kill it at once.
    stop_signal: Option<Signal>,
}

/// How long a server may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

impl Running {
    /// Starts a process that is killed when this is dropped.
    pub(crate) fn start(name: &str, mut command: Command) -> Result<Self> {
        let child = command
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| Failure::io(format!("{name} does not start"))(source))?;
        let pid = child.id().ok_or_else(|| Failure::Other(format!("{name} ended at once")))?;
        Ok(Self { child, pid, name: name.to_owned(), stop_signal: None })
    }

    /// Stops it with `signal`, and waits for its end, when this is dropped. If it were killed, it would
    /// leave child processes running.
    #[must_use]
    pub(crate) fn stopped_by(mut self, signal: Signal) -> Self {
        self.stop_signal = Some(signal);
        self
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until something listens on `port`.
    pub(crate) async fn listens(&mut self, port: u16) -> Result<()> {
        for _ in 0..1500 {
            self.require_alive()?;
            if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(Failure::Other(format!("{} does not listen after 30 s", self.name)))
    }

    /// Fails if it has ended.
    pub(crate) fn require_alive(&mut self) -> Result<()> {
        match self.child.try_wait() {
            Ok(Some(status)) => Err(Failure::Other(format!("{} ended with {status}", self.name))),
            _ => Ok(()),
        }
    }

    /// Kills it and waits until it has ended.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.stop_signal = None;
        self.child.kill().await.map_err(Failure::io(format!("{} cannot be killed", self.name)))
    }

    /// Whether it ends within `time`. Blocks for up to that long.
    fn ended_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < time {
            if let Ok(Some(_)) = self.child.try_wait() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(signal) = self.stop_signal else { return };
        if let Ok(Some(_)) = self.child.try_wait() {
            return;
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let told = pid.is_some_and(|pid| kill_process(pid, signal).is_ok());
        if !told || !self.ended_within(STOP_TIMEOUT) {
            eprintln!("{} does not end; its process id is {}", self.name, self.pid);
        }
    }
}

/// A port of the loopback interface on which nothing listens.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("no port is free"))?;
    Ok(listener.local_addr().map_err(Failure::io("no port is free"))?.port())
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}
