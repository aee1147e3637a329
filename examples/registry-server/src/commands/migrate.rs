//! `migrate`.

use aam_registry_backends::sqlite;
use serde_json::json;

use super::{Answer, Failed, configuration};
use crate::{assemble, cli::Migrate, config::Surroundings};

/// Brings the schema up to date, or only says whether it is.
pub(super) fn run(command: &Migrate, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let config = assemble::database_config(&settings);
    let database = settings.database_url.path.display();
    if command.check {
        let pending = sqlite::pending_migrations(&config)?;
        let text = match pending.as_slice() {
            [] => format!("the schema of {database} is up to date"),
            pending => format!(
                "the schema of {database} is behind; `aam-registry migrate` would apply:\n  {}",
                pending.join("\n  ")
            ),
        };
        let up_to_date = pending.is_empty();
        let json = json!({ "database": database.to_string(), "up_to_date": up_to_date, "pending": pending });
        return Ok(Answer::new(command.json, text, &json).bad_unless(up_to_date));
    }
    assemble::create_database_folder(&settings)?;
    let applied = sqlite::migrate(&config)?;
    let text = match applied.as_slice() {
        [] => format!("the schema of {database} was up to date"),
        applied => format!("the schema of {database} is up to date; applied:\n  {}", applied.join("\n  ")),
    };
    let json = json!({ "database": database.to_string(), "up_to_date": true, "applied": applied });
    Ok(Answer::new(command.json, text, &json))
}
