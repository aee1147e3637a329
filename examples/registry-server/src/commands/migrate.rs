//! `migrate`.

use serde_json::json;

use super::{Answer, Failed, configuration, runtime};
use crate::{assemble, cli::Migrate, config::Surroundings};

/// Migrates the schema, or only checks whether it is up to date.
pub(super) fn run(command: &Migrate, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let database = settings.database_url.to_string();
    let oldest = assemble::oldest_release(&settings);
    let runtime = runtime()?;
    if command.check {
        let pending = runtime.block_on(assemble::pending_migrations(&settings));
        let pending = pending.map_err(|error| assemble::unusable(&settings, &error))?;
        let text = match pending.as_slice() {
            [] => format!("the schema of {database} is up to date"),
            pending => format!(
                "the schema of {database} is behind; `aam-registry migrate` would apply:\n  {}\n\
                 servers of releases before {oldest} cannot work on the schema after that: stop them first",
                pending.join("\n  ")
            ),
        };
        let up_to_date = pending.is_empty();
        let json =
            json!({ "database": database, "up_to_date": up_to_date, "pending": pending, "oldest_release": oldest });
        return Ok(Answer::new(command.json, text, &json).bad_unless(up_to_date));
    }
    let applied = runtime.block_on(assemble::migrate(&settings))?;
    let text = match applied.as_slice() {
        [] => format!("the schema of {database} was up to date"),
        applied => format!(
            "the schema of {database} is up to date; applied:\n  {}\nit serves release {oldest} and later",
            applied.join("\n  ")
        ),
    };
    let json = json!({ "database": database, "up_to_date": true, "applied": applied, "oldest_release": oldest });
    Ok(Answer::new(command.json, text, &json))
}
