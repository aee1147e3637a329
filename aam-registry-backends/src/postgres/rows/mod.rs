//! All rows of a database in a portable form, for backups and restores.

mod catalogue;
mod read;
mod restore;
mod text_format;

use std::time::Duration;

use aam_registry_core::Result;
pub use read::read_rows;
pub use restore::{begin_restore, require_empty, restore_rows};

use super::{
    PostgresConfig,
    connection::{Connector, Session},
    pooler,
    schema::{failed, misconfigured, not_applied},
};

/// A session whose statements and transactions may take as long as they take.
async fn patient_session(config: &PostgresConfig) -> Result<Session> {
    let config = config.clone().with_statement_timeout(Duration::ZERO).with_idle_in_transaction_timeout(Duration::ZERO);
    let connector = Connector::new(&config, &config.primary).map_err(misconfigured)?;
    let session = connector.connect().await.map_err(not_applied)?;
    pooler::require_own(&connector, &session).await.map_err(failed)?;
    Ok(session)
}
