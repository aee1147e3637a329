use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

use tokio::process::Child;

use crate::error::{Failure, Result};

/// Linux counts the time of processes in hundredths of a second towards
/// programs, whatever the kernel ticks in (`USER_HZ`, proc(5)).
const TICK: Duration = Duration::from_millis(10);

/// A server that ends with this value.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pid: u32,
}

impl Running {
    /// Watches over a child that was spawned with `kill_on_drop`.
    pub(crate) fn new(child: Child) -> Result<Self> {
        let pid = child.id().ok_or_else(|| Failure::Other("the server ended at once".to_owned()))?;
        Ok(Self { child, pid })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until something listens on `port`.
    pub(crate) async fn listens(&mut self, name: &str, port: u16) -> Result<()> {
        for _ in 0..1000 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::Other(format!("{name} ended with {status} before it listened")));
            }
            if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(Failure::Other(format!("{name} does not listen after 20 s")))
    }

    /// Whether the server ends by itself within `time`. Blocks that long.
    pub(crate) fn ended_within(&mut self, time: Duration) -> bool {
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

/// A port of the loopback that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("no port is free"))?;
    Ok(listener.local_addr().map_err(Failure::io("no port is free"))?.port())
}

/// The processor time that a process and those it forked have taken so far.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let own = stat(pid).map_or(0, |stat| stat.ticks);
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter_map(stat).filter(|stat| stat.parent == pid).map(|stat| stat.ticks);
    TICK * u32::try_from(own + children.sum::<u64>()).unwrap_or(u32::MAX)
}

struct Stat {
    parent: u32,
    ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name in parentheses may hold anything, parentheses too.
    let fields: Vec<_> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_are_found_behind_any_name() {
        let line = "42 (a ) (b) S 7 42 42 0 -1 4194560 100 0 0 0 120 30 5 6 20 0 1 0 100 1000 10";
        let stat = parse_stat(line).expect("a line of proc(5)");
        assert_eq!((stat.parent, stat.ticks), (7, 150));
    }
}
