use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::error::{Error, Result};

/// A thread's turn at the processors, which it gives up while it waits for a client.
#[derive(Clone, Debug)]
pub(super) struct Work {
    turns: Arc<Semaphore>,
    runtime: Handle,
    turn: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Work {
    pub(super) fn new(turns: Arc<Semaphore>) -> Self {
        Self { turns, runtime: Handle::current(), turn: Arc::default() }
    }

    /// Waits for a turn, on a thread that may block.
    pub(super) fn begin(&self) -> Result<()> {
        // The one before first, or two threads with half of what they need would wait for each other.
        self.rest();
        let turn = self.runtime.block_on(Arc::clone(&self.turns).acquire_owned()).map_err(Error::internal)?;
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
        Ok(())
    }

    /// Gives the turn up.
    pub(super) fn rest(&self) {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Waits for what a future gives, with the turn given up.
    pub(super) fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.rest();
        let done = self.runtime.block_on(future)?;
        self.begin()?;
        Ok(done)
    }
}
