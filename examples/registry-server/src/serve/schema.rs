use std::time::Duration;

use aam_registry_backends::sqlite;
use tokio::time;

use crate::{
    assemble::{self, AssembleError, reason},
    config::Settings,
};

const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Waits until the schema is one that this release works on; somebody else brings it up.
pub(super) async fn wait(settings: &Settings) -> Result<(), AssembleError> {
    let mut warned = false;
    loop {
        let config = assemble::database_config(settings);
        let pending = tokio::task::spawn_blocking(move || sqlite::pending_migrations(&config)).await;
        let failed = |reason| AssembleError::Database { path: settings.database_url.path.clone(), reason };
        let pending = pending.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(reason(&error)))?;
        if pending.is_empty() {
            return Ok(());
        }
        if !warned {
            warned = true;
            tracing::warn!(
                event = "schema_behind",
                pending = pending.len(),
                "waiting for the schema to be brought up: run `aam-registry migrate`"
            );
        }
        time::sleep(LOOK_AGAIN).await;
    }
}
