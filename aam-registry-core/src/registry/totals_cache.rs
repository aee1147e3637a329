use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::types::RegistryTotals;

const FRESH_FOR: Duration = Duration::from_secs(5);

/// The sizes of the registry as last read.
#[derive(Debug, Default)]
pub(super) struct TotalsCache(Mutex<Option<(Timestamp, RegistryTotals)>>);

impl TotalsCache {
    pub(super) fn fresh(&self, now: Timestamp) -> Option<RegistryTotals> {
        let cached = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.filter(|(at, _)| now.duration_since(*at).unsigned_abs() < FRESH_FOR).map(|(_, totals)| totals)
    }

    pub(super) fn keep(&self, now: Timestamp, totals: RegistryTotals) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, totals));
    }
}
