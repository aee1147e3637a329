//! Every metadata port over plain maps behind one lock.

mod accounts;
mod aged;
mod apply;
mod approvals;
mod archive_index;
mod audit;
mod commands;
mod downloads;
mod erasure;
mod facts;
mod jobs;
mod old_versions;
mod packages;
mod publishing;
mod queued_jobs;
mod resources;
mod scopes;
mod search;
mod second_factors;
mod sessions;
mod tables;
mod tokens;
mod trusted_publishers;
mod users;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use resources::Resources;
use tables::Tables;

use crate::{
    ports::{Clock, SystemClock},
    types::RegistryId,
};

/// A metadata database that lives and dies with the process: every
/// [`Database`](crate::ports::Database) port in one store.
///
/// Reads and changes take turns, so each sees and makes one state. Meant for
/// tests and small examples: a search looks at every package.
#[derive(Clone)]
pub struct MemoryMetadata {
    registry_id: RegistryId,
    tables: Arc<Mutex<Tables>>,
    /// Locked after the tables.
    resources: Arc<Mutex<Resources>>,
    clock: Arc<dyn Clock>,
}

impl Default for MemoryMetadata {
    fn default() -> Self {
        Self {
            registry_id: RegistryId::generate(),
            tables: Arc::default(),
            resources: Arc::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl MemoryMetadata {
    /// An empty database; its clones share what they hold.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the clock that leases of uploads go by; the machine's where this is not called.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Every method checks all it must before it changes anything, so a
    /// panicking one has left no half change behind a poisoned lock.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resources(&self) -> MutexGuard<'_, Resources> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMetadata").finish_non_exhaustive()
    }
}
