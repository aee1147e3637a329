//! The thread that copies committed changes into the file of the database.

use std::{
    fmt,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;

/// How long a change is in the write-ahead log alone.
const EVERY: Duration = Duration::from_secs(1);

/// A thread that checkpoints every second.
///
/// SQLite itself does so only once the log has a thousand pages, which in a
/// small registry is never: whoever copied the file of the database alone
/// would get an empty one. A thread and a connection of their own, so that no
/// change waits for it.
pub(super) struct Checkpoints {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::Builder::new().name("sqlite-checkpoint".into()).spawn(move || {
            let mut is_failing = false;
            loop {
                let done = checkpoint(&connection);
                if let (Err(error), false) = (&done, is_failing) {
                    tracing::warn!(
                        event = "database_checkpoint_failed",
                        path = connection.path(),
                        %error,
                        "changes are safe in the log of the database, but not copied into its file",
                    );
                }
                is_failing = done.is_err();
                if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    let _ = checkpoint(&connection);
                    return;
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

/// Copies what no reader still needs in the log. Waits for nobody: what is left is copied the next time.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoints").finish_non_exhaustive()
    }
}
