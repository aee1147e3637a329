//! Which schema this release can work on.

use aam_registry_core::{Error, Result, error::Outcome, types::Version};
use refinery_core::{Migration, Runner};

use super::{embedded::Embedded, resources};

/// The table in which migrations that ran are kept, in every database.
pub(crate) const HISTORY: &str = "refinery_schema_history";

/// The oldest release that can work on a half restored database: none.
pub(crate) const UNFINISHED: &str = "unfinished restore";

/// The number of the migration that stands in the history of a database while a restore is under way. Releases that do
/// not know it take it for one of a newer release, ask for [`UNFINISHED`] and refuse the database. Others come after it,
/// so that they can still run.
pub(crate) const UNFINISHED_VERSION: i64 = 0;

/// What a migration calls the oldest release by that can work on the schema it leaves.
const OLDEST_RELEASE: &str = "-- oldest release: ";

/// The migrations of a database and those that all databases share, oldest first.
pub(crate) fn with_shared(own: &[Embedded]) -> Vec<Embedded> {
    let mut all: Vec<_> = own.iter().chain(resources::MIGRATIONS).copied().collect();
    all.sort_by_key(|migration| unapplied(migration).version());
    all
}

/// What runs these migrations.
pub(crate) fn runner(migrations: &[Embedded]) -> Runner {
    Runner::new(&migrations.iter().map(unapplied).collect::<Vec<_>>())
}

fn unapplied(&(name, statements): &Embedded) -> Migration {
    Migration::unapplied(name, statements).expect("a valid name")
}

/// Fails the test that calls it unless every file of the folder is embedded, in order.
#[cfg(test)]
pub(crate) fn assert_all_are_embedded(folder: &str, migrations: &[Embedded]) {
    // The path that was compiled in may name another checkout that shared the target folder.
    let package = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let folder = std::path::Path::new(&package).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("the folder can be read").path())
        .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
        .collect();
    files.sort_by_key(|name| Migration::unapplied(name, "").expect("a valid name").version());
    assert_eq!(migrations.iter().map(|(name, _)| *name).collect::<Vec<_>>(), files);
}

/// The names of those of the `known` migrations that are not `applied`, oldest first.
pub(crate) fn missing(known: &[Migration], applied: &[i64]) -> Vec<String> {
    known
        .iter()
        .filter(|migration| !applied.contains(&i64::from(migration.version())))
        .map(ToString::to_string)
        .collect()
}

/// The oldest release that can work on the schema which `known` migrations leave: the last one that names it.
pub(crate) fn oldest_release(known: &[Migration]) -> String {
    let named = known.iter().filter_map(|migration| Some((migration.version(), named_release(migration)?)));
    named.max_by_key(|(version, _)| *version).map_or_else(String::new, |(_, release)| release.to_owned())
}

fn named_release(migration: &Migration) -> Option<&str> {
    migration.sql()?.lines().find_map(|line| line.strip_prefix(OLDEST_RELEASE)).map(str::trim)
}

/// Whether a newer release than this was at the schema.
pub(crate) fn is_newer(known: &[Migration], applied: &[i64]) -> bool {
    applied.iter().any(|version| known.iter().all(|migration| i64::from(migration.version()) != *version))
}

/// Fails while a restore into the database is not finished.
pub(crate) fn require_finished(applied: &[i64]) -> Result<()> {
    if applied.contains(&UNFINISHED_VERSION) { Err(unfinished()) } else { Ok(()) }
}

fn unfinished() -> Error {
    Error::unfit("a restore into it was not finished; run `aam-registry restore` again, which starts anew")
}

/// Fails where a newer release left a schema that serves no release before `oldest`.
pub(crate) fn require_served(oldest: &str) -> Result<()> {
    if oldest == UNFINISHED {
        return Err(unfinished());
    }
    let ours = env!("CARGO_PKG_VERSION");
    let parse = |text: &str| text.parse::<Version>().ok();
    if parse(oldest).is_some_and(|oldest| parse(ours).is_some_and(|ours| ours >= oldest)) {
        return Ok(());
    }
    Err(Error::unfit(format!(
        "its schema was made by a newer release and serves {oldest} and later; this is {ours}: replace it by a newer one"
    )))
}

/// The error while migrations are `missing`.
pub(crate) fn require_none(missing: &[String]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("the schema is behind by {} migrations; run `migrate`", missing.len());
    Err(Error::database(message, true, Outcome::NotApplied))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn every_shared_migration_is_embedded() {
        assert_all_are_embedded("src/relational/resources/migrations", resources::MIGRATIONS);
    }

    /// Requires every migration from `first` on to name the oldest release that can work beside it, and to
    /// record another one than the migration before it did.
    pub(crate) fn each_names_the_oldest_release(known: &[Migration], first: i64) {
        let mut recorded = "0.1.0";
        for migration in known.iter().filter(|migration| i64::from(migration.version()) >= first) {
            let named = named_release(migration).unwrap_or_else(|| panic!("`{OLDEST_RELEASE}…` is not in {migration}"));
            named.parse::<Version>().unwrap_or_else(|error| panic!("{migration}: {error}"));
            let records = migration.sql().is_some_and(|sql| sql.contains(&format!("SET oldest_release = '{named}'")));
            assert_eq!(records, named != recorded, "{migration} names {named} and the schema before it {recorded}");
            recorded = named;
        }
    }
}
