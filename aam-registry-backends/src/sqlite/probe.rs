//! Whether the database takes changes.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use aam_registry_core::{Error, Result};

use super::{SqliteMetadata, sql};

/// How long a database that took a change is believed to take others.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// When the database last took a change that was made to see whether it does.
#[derive(Debug, Default)]
pub(super) struct WriteProbe(Mutex<Option<Instant>>);

impl SqliteMetadata {
    /// Whether the database can be read and, as found out twice a minute at
    /// most while all is well, written: a full disk lets itself be read.
    pub(super) async fn check_both(&self) -> Result<()> {
        let file = self.file.clone();
        self.read(move |tx| {
            file.map_or(Ok(()), |file| file.look())?;
            sql::exists(tx, "SELECT 1 FROM registry_totals", []).map(drop)
        })
        .await?;
        let taken = *self.probe.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.is_some_and(|at| at.elapsed() < GOOD_FOR) {
            return Ok(());
        }
        // A page that is written although nothing changes; whoever watches the database from another process looks once.
        self.write(|tx| {
            let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
            tx.pragma_update(None, "user_version", version)?;
            Ok(())
        })
        .await?;
        *self.probe.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok::<_, Error>(())
    }
}
