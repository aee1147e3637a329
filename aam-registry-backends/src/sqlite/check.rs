use aam_registry_core::Result;

use super::{SqliteMetadata, sql};

impl SqliteMetadata {
    /// Checks that the database can be read and written. A full disk can still be read, so a write is
    /// tried too, at most twice a minute while it succeeds.
    pub(super) async fn check_both(&self) -> Result<()> {
        let file = self.file.clone();
        self.read(move |tx| {
            file.map_or(Ok(()), |file| file.look())?;
            sql::exists(tx, "SELECT 1 FROM registry_totals", []).map(drop)
        })
        .await?;
        if self.probe.is_recent() {
            return Ok(());
        }
        // Writes a page without changing anything. Other processes that watch the file look for changes once.
        self.write(|tx| {
            let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
            tx.pragma_update(None, "user_version", version)?;
            Ok(())
        })
        .await?;
        self.probe.succeeded();
        Ok(())
    }
}
