use super::Registry;
use crate::{error::Result, types::RegistryTotals};

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
