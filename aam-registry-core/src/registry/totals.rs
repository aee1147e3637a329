use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::Registry;
use crate::{error::Result, types::RegistryTotals};

const FRESH_FOR: Duration = Duration::from_secs(5);

/// The sizes of the registry as last read.
#[derive(Debug, Default)]
pub(super) struct TotalsCache(Mutex<Option<(Timestamp, RegistryTotals)>>);

impl TotalsCache {
    fn fresh(&self, now: Timestamp) -> Option<RegistryTotals> {
        let cached = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.filter(|(at, _)| now.duration_since(*at).unsigned_abs() < FRESH_FOR).map(|(_, totals)| totals)
    }

    fn keep(&self, now: Timestamp, totals: RegistryTotals) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, totals));
    }
}

impl Registry {
    /// Sizes of the whole registry; at most some seconds old.
    pub async fn totals(&self) -> Result<RegistryTotals> {
        let now = self.now();
        if let Some(totals) = self.inner().totals.fresh(now) {
            return Ok(totals);
        }
        let totals = self.inner().packages.totals().await?;
        self.inner().totals.keep(now, totals);
        Ok(totals)
    }

    /// Brings the download figures that metadata shows up to date.
    pub async fn refresh_totals(&self) -> Result<()> {
        self.inner().downloads.refresh_totals().await
    }
}
