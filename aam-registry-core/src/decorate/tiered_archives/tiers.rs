use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

use super::{disk::DiskTier, flight::Flight, memory::MemoryTier};
use crate::{decorate::TierMeter, types::ArchiveKey};

/// The places in which an archive is looked for, and the fetches in progress.
#[derive(Debug)]
pub(super) struct Tiers<S> {
    pub(super) store: S,
    pub(super) memory: MemoryTier,
    pub(super) disk: Option<Arc<DiskTier>>,
    pub(super) fetching: Semaphore,
    pub(super) store_meter: TierMeter,
    pub(super) flights: Mutex<HashMap<ArchiveKey, Arc<Flight>>>,
}

impl<S> Tiers<S> {
    pub(super) fn flights(&self) -> MutexGuard<'_, HashMap<ArchiveKey, Arc<Flight>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
