use std::{io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

/// Signals this close together count as one: `timeout` and some supervisors signal first the process
/// and then its group.
const SAME: Duration = Duration::from_secs(1);

/// Who asked the process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A supervisor, with SIGTERM.
    Terminate,
    /// A person at the terminal, with SIGINT.
    Interrupt,
}

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Replaces the default action of both signals, which is to end the process.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Completes when the next signal arrives.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Terminate,
            _ = self.interrupt.recv() => Told::Interrupt,
        }
    }

    /// Completes when a second signal arrives that is not an echo of the first.
    pub(super) async fn again(&mut self) {
        let first = Instant::now();
        while self.next().await == Told::Terminate && first.elapsed() < SAME {}
    }
}
