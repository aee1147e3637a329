//! Which schema this release can work on.

use aam_registry_core::{Error, Result, error::Outcome, types::Version};
use refinery::Migration;

/// The table in which migrations that ran are kept, in every database.
pub(crate) const HISTORY: &str = "refinery_schema_history";

/// The names of those of the `known` migrations that are not `applied`, oldest first.
pub(crate) fn missing(known: &[Migration], applied: &[i64]) -> Vec<String> {
    known
        .iter()
        .filter(|migration| !applied.contains(&i64::from(migration.version())))
        .map(ToString::to_string)
        .collect()
}

/// Whether a newer release than this was at the schema.
pub(crate) fn is_newer(known: &[Migration], applied: &[i64]) -> bool {
    applied.iter().any(|version| known.iter().all(|migration| i64::from(migration.version()) != *version))
}

/// Fails where a newer release left a schema that serves no release before `oldest`.
pub(crate) fn require_served(oldest: &str) -> Result<()> {
    let ours = env!("CARGO_PKG_VERSION");
    let parse = |text: &str| text.parse::<Version>().ok();
    if parse(oldest).is_some_and(|oldest| parse(ours).is_some_and(|ours| ours >= oldest)) {
        return Ok(());
    }
    let message = format!("the schema was made by a newer release and serves {oldest} and later; this is {ours}");
    Err(Error::database(message, false, Outcome::NotApplied))
}

/// The error while migrations are `missing`.
pub(crate) fn require_none(missing: &[String]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("the schema is behind by {} migrations; run `migrate`", missing.len());
    Err(Error::database(message, true, Outcome::NotApplied))
}
