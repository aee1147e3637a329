use std::time::Duration;

use aam_registry_core::{Error, http::Readiness};
use tokio::time;

use crate::{
    assemble::{self, AssembleError},
    config::Settings,
    remedy,
};

const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Waits until the database answers and has a schema that this release can use; migrates it if the
/// settings say so.
///
/// Sets in `readiness` what the server waits for.
pub(super) async fn wait(settings: &Settings, readiness: &Readiness) -> Result<(), AssembleError> {
    let mut warned = Warned::default();
    loop {
        match assemble::pending_migrations(settings).await {
            Ok(pending) if pending.is_empty() => return Ok(()),
            Ok(_) if settings.auto_migrate.is_on() => {
                // Another replica may be migrating too; the second finds nothing to do.
                readiness.wait_for("its schema to be migrated, which it does itself");
                let applied = assemble::migrate(settings).await?;
                tracing::info!(event = "schema_migrated", applied = applied.join(", "), "the schema was migrated");
            }
            Ok(pending) => {
                readiness.wait_for("the schema of its database to be migrated: run `aam-registry migrate`");
                if warned.of_schema() {
                    tracing::warn!(
                        event = "schema_behind",
                        pending = pending.len(),
                        "waiting for the schema to be migrated: run `aam-registry migrate`"
                    );
                }
                time::sleep(LOOK_AGAIN).await;
            }
            Err(error) if may_answer_later(&error) => {
                readiness.wait_for("its database to answer");
                if warned.of_database() {
                    tracing::warn!(
                        event = "database_unreachable",
                        database = %settings.database_url,
                        "waiting for the database: {}",
                        remedy::with(assemble::cause(&error), remedy::for_database(settings, &error)),
                    );
                }
                time::sleep(LOOK_AGAIN).await;
            }
            Err(error) => return Err(assemble::unusable(settings, &error)),
        }
    }
}

/// Which warnings were logged already, so that each is logged once.
#[derive(Default)]
struct Warned {
    schema: bool,
    database: bool,
}

impl Warned {
    fn of_schema(&mut self) -> bool {
        !std::mem::replace(&mut self.schema, true)
    }

    fn of_database(&mut self) -> bool {
        !std::mem::replace(&mut self.database, true)
    }
}

fn may_answer_later(error: &Error) -> bool {
    matches!(error, Error::Backend(backend) if backend.retry)
}
