use std::{io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

/// Signals this close together are one: `timeout` and some supervisors tell
/// the process and then its group.
const SAME: Duration = Duration::from_secs(1);

/// Who told the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A supervisor, by SIGTERM.
    Terminate,
    /// A person at the terminal, by SIGINT.
    Interrupt,
}

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes both signals over from the default, which is to die.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Completes when the next of either arrives.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Terminate,
            _ = self.interrupt.recv() => Told::Interrupt,
        }
    }

    /// Completes when the process is told once more, not only by an echo of the first signal.
    pub(super) async fn again(&mut self) {
        let first = Instant::now();
        while self.next().await == Told::Terminate && first.elapsed() < SAME {}
    }
}
