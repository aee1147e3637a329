//! The threads that read.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use aam_registry_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::failure::Tx;
use crate::relational::timing::Wait;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Threads with a connection each that take reads from one queue.
pub(super) struct Readers {
    /// What they read, for metrics.
    name: &'static str,
    queue: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(name: &'static str, connections: Vec<Connection>, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut readers = Self { name, queue: Some(sender), threads: Vec::new() };
        for connection in connections {
            let receiver = Arc::clone(&receiver);
            let thread = thread::Builder::new().name("sqlite-reader".into());
            readers.threads.push(thread.spawn(move || serve(&connection, &receiver))?);
        }
        Ok(readers)
    }

    /// Runs `read` at one instant of the database.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Tx<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let wait = Wait::begin(self.name);
        let job: Job = Box::new(move |connection| {
            drop(wait);
            // Nobody waits any more: the request was dropped while it was queued.
            if !reply.is_closed() {
                let _ = reply.send(snapshot(connection, read));
            }
        });
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(job).await.map_err(|_| stopped())?;
        answer
            .await
            .map_err(|_| Error::internal("a database reader failed"))?
            .map_err(super::failure::Failure::into_error)
    }
}

fn snapshot<T>(connection: &Connection, read: impl FnOnce(&Connection) -> Tx<T>) -> Tx<T> {
    let transaction = connection.unchecked_transaction()?;
    read(&transaction)
}

fn serve(connection: &Connection, queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(job) = job else { return };
        // The reply is dropped by the unwinding, which tells the caller; the transaction is rolled back.
        if catch_unwind(AssertUnwindSafe(|| job(connection))).is_err() {
            tracing::error!(event = "database_read_panicked", "a database read panicked");
        }
    }
}

fn stopped() -> Error {
    Error::internal("the database was closed")
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}
