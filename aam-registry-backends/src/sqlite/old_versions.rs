use aam_registry_core::{
    decide::{OldVersionsFacts, PackageState, VersionUse},
    types::{PackageName, Sha256Digest, Version, Visibility},
};
use jiff::{Timestamp, tz::TimeZone};
use rusqlite::Connection;

use super::{
    failure::Tx,
    ids::{PackageId, VersionId},
    sql,
};
use crate::relational::{columns, predicates::has_open_version};

/// The names of packages that were made before that, in their order.
pub(super) fn packages_made_before(
    tx: &Connection,
    before: Timestamp,
    after: Option<&PackageName>,
    limit: usize,
) -> Tx<Vec<PackageName>> {
    let query = "SELECT name FROM packages WHERE name > ?1 AND created_at < ?2 ORDER BY name LIMIT ?3";
    let after = after.map_or("", PackageName::as_str);
    sql::all(tx, query, (after, before.as_microsecond(), columns::limit(limit)), |row| sql::parsed(row, 0))
}

/// What the removal of old versions of a package is decided by.
pub(super) fn facts(tx: &Connection, name: &PackageName, before: Timestamp) -> Tx<OldVersionsFacts> {
    let package = concat!(
        "SELECT p.id, p.updated_at, p.private, p.trusted_only, ",
        has_open_version!("p."),
        " FROM packages p WHERE p.name = ?1"
    );
    let found: Option<(PackageId, PackageState)> = sql::first(tx, package, [name.as_str()], |row| {
        let (updated_at, visibility) = (sql::instant(row, 1)?, Visibility::of(row.get(2)?));
        let state = PackageState { updated_at, visibility, trusted_only: row.get(3)?, has_open_version: row.get(4)? };
        Ok((row.get(0)?, state))
    })?;
    let Some((id, package)) = found else { return Ok(OldVersionsFacts::default()) };
    let versions = "SELECT v.version, v.published_at, v.published_by, v.status, v.archive, v.archive_size,
            EXISTS (SELECT 1 FROM dist_tags t WHERE t.version_id = v.id),
            EXISTS (SELECT 1 FROM download_days d WHERE d.version_id = v.id AND d.day >= ?2)
        FROM versions v WHERE v.package_id = ?1 AND v.status NOT LIKE '%removed' ORDER BY v.id";
    let day = before.to_zoned(TimeZone::UTC).date().to_string();
    let versions = sql::all(tx, versions, (id, day), |row| {
        Ok(VersionUse {
            version: sql::parsed(row, 0)?,
            published_at: sql::instant(row, 1)?,
            published_by: sql::parsed(row, 2)?,
            status: sql::coded(row, 3, columns::version_status)?,
            archive: sql::parsed(row, 4)?,
            archive_size: sql::unsigned(row, 5)?,
            is_tagged: row.get(6)?,
            is_downloaded: row.get(7)?,
        })
    })?;
    let demands = "SELECT DISTINCT d.requirement FROM version_dependencies d JOIN versions v ON v.id = d.version_id
        WHERE d.name = ?1 AND v.package_id <> ?2 AND v.status NOT LIKE '%removed'";
    let demands = sql::all(tx, demands, (name.as_str(), id), |row| sql::parsed(row, 0))?;
    Ok(OldVersionsFacts { package: Some(package), versions, demands })
}

/// Every version of a package and the digest of its archive.
pub(super) fn digests_of(tx: &Connection, name: &PackageName) -> Tx<Vec<(Version, Sha256Digest)>> {
    let query = "SELECT v.version, v.sha256 FROM packages p JOIN versions v ON v.package_id = p.id
        WHERE p.name = ?1 ORDER BY v.id";
    sql::all(tx, query, [name.as_str()], |row| Ok((sql::parsed(row, 0)?, sql::digest(row, 1)?)))
}

/// Lists what a new version depends on; `dependencies` is a JSON object.
pub(super) fn list_dependencies(tx: &Connection, version: VersionId, dependencies: &str) -> Tx<()> {
    let list = "INSERT INTO version_dependencies (name, version_id, requirement)
        SELECT d.key, ?1, d.value FROM json_each(?2) d";
    sql::run(tx, list, (version, dependencies)).map(drop)
}
