use std::time::Duration;

use aam_registry_core::Result;

use crate::postgres::{
    PostgresConfig,
    connection::{Connector, Session},
    pooler,
    schema::{failed, misconfigured, not_applied},
};

/// A session whose statements and transactions may take as long as they take.
pub(super) async fn session_without_time_limits(config: &PostgresConfig) -> Result<Session> {
    let config = config.clone().with_statement_timeout(Duration::ZERO).with_idle_in_transaction_timeout(Duration::ZERO);
    let connector = Connector::new(&config, &config.primary).map_err(misconfigured)?;
    let session = connector.connect().await.map_err(not_applied)?;
    pooler::require_own(&connector, &session).await.map_err(failed)?;
    Ok(session)
}
