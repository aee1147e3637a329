//! The thread that writes.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
};

use aam_registry_core::{
    Error, Result,
    error::{DatabaseError, DatabaseTrouble, DiskError, DiskTrouble, Outcome},
};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::failure::{Failure, Tx, disk_trouble, is_damage, is_transient};
use crate::relational::timing::Wait;

/// How many changes share one commit at most: few enough that the first of
/// them does not wait long for the last.
const GROUP: usize = 64;

/// A thread with the only connection that writes, fed from a bounded queue.
///
/// What waits in the queue is committed together, each change in a savepoint
/// of its own: a sync of the disk costs the same for one and for many.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(queue);
        let thread = thread::Builder::new().name("sqlite-writer".into());
        let thread = thread.spawn(move || serve(&connection, receiver))?;
        Ok(Self { queue: Some(sender), thread: Some(thread) })
    }

    /// Runs `change` as one transaction and answers when it is durable.
    pub(super) async fn write<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Tx<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Change { wait: Some(Wait::begin("write")), work: Some(change), result: None, reply });
        let closed = || Error::database("the database was closed", false, Outcome::NotApplied);
        self.queue.as_ref().ok_or_else(closed)?.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| Error::database("the database writer ended", false, Outcome::Unknown))?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

trait Job: Send {
    /// Does the work inside a savepoint; whether to keep it.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Answers the caller once it is known what became of the transaction.
    fn reply(self: Box<Self>, committed: Result<(), Lost>);
}

struct Change<F, T> {
    wait: Option<Wait>,
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Job for Change<F, T>
where
    T: Send,
    F: FnOnce(&Connection) -> Tx<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.wait = None;
        let Some(work) = self.work.take() else { return false };
        let work = || work(connection).map_err(|failure: Failure| failure.into_error_at(connection.path()));
        self.result = catch_unwind(AssertUnwindSafe(work)).ok();
        matches!(self.result, Some(Ok(_)))
    }

    fn reply(self: Box<Self>, committed: Result<(), Lost>) {
        // A refusal, too, may rest on a change of the same group that was lost.
        let result = match committed {
            Err(lost) => Err(lost.into_error()),
            Ok(()) => {
                self.result.unwrap_or_else(|| Err(Error::database("a change panicked", false, Outcome::NotApplied)))
            }
        };
        let _ = self.reply.send(result);
    }
}

/// Why a transaction was not committed.
#[derive(Clone, Debug)]
struct Lost {
    reason: String,
    retry: bool,
    disk: Option<DiskTrouble>,
    is_damage: bool,
    outcome: Outcome,
}

impl Lost {
    fn new(connection: &Connection, error: &rusqlite::Error, outcome: Outcome) -> Self {
        let disk = disk_trouble(error);
        let reason = match connection.path().filter(|_| disk.is_some()) {
            Some(path) => format!("{path}: {error}"),
            None => error.to_string(),
        };
        Self { reason, retry: is_transient(error), disk, is_damage: is_damage(error), outcome }
    }

    fn into_error(self) -> Error {
        match self.disk {
            Some(disk) => Error::database(DiskError::new(disk, self.reason), self.retry, self.outcome),
            None if self.is_damage => {
                let damage = DatabaseError::new(DatabaseTrouble::Damaged, self.reason);
                Error::database(damage, self.retry, self.outcome)
            }
            None => Error::database(self.reason, self.retry, self.outcome),
        }
    }
}

fn serve(connection: &Connection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        let committed = commit(connection, &mut group, &mut queue);
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(event = "database_rollback_failed", %error, "a rollback failed");
        }
        for job in group {
            job.reply(committed.clone());
        }
    }
}

/// Commits the one job in `group` and what joins it from `queue` meanwhile.
fn commit(
    connection: &Connection,
    group: &mut Vec<Box<dyn Job>>,
    queue: &mut mpsc::Receiver<Box<dyn Job>>,
) -> Result<(), Lost> {
    let not_applied = |error: rusqlite::Error| Lost::new(connection, &error, Outcome::NotApplied);
    // Other processes write too: to begin as a reader and become a writer later could only fail.
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        // Who waited behind it has waited as long for the same lock: were they to try one after
        // the other, the last would wait for as many times the time-out.
        group.extend(std::iter::from_fn(|| queue.try_recv().ok()));
        return Err(not_applied(error));
    }
    let mut at = 0;
    while let Some(job) = group.get_mut(at) {
        connection.execute_batch("SAVEPOINT change").map_err(not_applied)?;
        if !job.run(connection) {
            // Some failures end the whole transaction; then this one fails as well.
            connection.execute_batch("ROLLBACK TO change").map_err(not_applied)?;
        }
        connection.execute_batch("RELEASE change").map_err(not_applied)?;
        at += 1;
        if at < GROUP {
            group.extend(queue.try_recv().ok());
        }
    }
    connection.execute_batch("COMMIT").map_err(|error| {
        // Whether a sync that failed reached the disk is unknown; what there was no room for did not.
        let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        Lost::new(connection, &error, if is_full { Outcome::NotApplied } else { Outcome::Unknown })
    })
}
