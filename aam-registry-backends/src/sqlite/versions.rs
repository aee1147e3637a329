//! Versions as reads return them.

use aam_registry_core::{
    Error,
    types::{ApprovalStatus, ArchiveFile, Manifest, PackageName, Version, VersionDetail, VersionSummary},
};
use rusqlite::{Connection, Row};

use super::{
    failure::{Failure, Tx},
    packages::PackageId,
    sql,
};
use crate::relational::columns;

/// The id of a version; later published ones have higher ids.
pub(super) type VersionId = i64;

/// What [`summary`] reads.
const SUMMARY: &str = "v.version, v.published_at, v.yanked_at, v.deprecated, v.sha256, v.archive_size, v.dependencies";

/// What finds the version of a full name and a key.
const FROM: &str = "FROM packages p JOIN versions v ON v.package_id = p.id WHERE p.name = ?1 AND v.version_key = ?2";

/// A version of a package, which must exist.
pub(super) fn require(tx: &Connection, package: PackageId, name: &PackageName, version: &Version) -> Tx<VersionId> {
    let query = "SELECT id FROM versions WHERE package_id = ?1 AND version_key = ?2";
    let id = sql::first(tx, query, (package, version.key()), sql::value)?;
    Ok(id.ok_or_else(|| Error::version_not_found(name, version))?)
}

/// The version of a package that was published last.
pub(super) fn newest(tx: &Connection, package: PackageId) -> Tx<VersionId> {
    let query = "SELECT id FROM versions WHERE package_id = ?1 ORDER BY id DESC LIMIT 1";
    sql::first(tx, query, [package], sql::value)?.ok_or_else(|| Failure::Corrupt("a package without versions".into()))
}

/// The versions of a package, newest published first.
pub(super) fn summaries(tx: &Connection, package: PackageId) -> Tx<Vec<VersionSummary>> {
    let query = format!("SELECT {SUMMARY} FROM versions v WHERE v.package_id = ?1 ORDER BY v.id DESC");
    sql::all(tx, &query, [package], summary)
}

/// Everything about one version.
pub(super) fn detail(tx: &Connection, name: &PackageName, version: &Version) -> Tx<Option<VersionDetail>> {
    let query = format!(
        "SELECT {SUMMARY}, v.id, v.yanked_reason, v.archive, v.downloads,
         (SELECT u.username FROM users u WHERE u.id = v.published_by) {FROM}"
    );
    let found = sql::first(tx, &query, (name.as_str(), version.key()), |row| {
        let detail = |manifest, dist_tags| -> Tx<VersionDetail> {
            Ok(VersionDetail {
                package: name.clone(),
                summary: summary(row)?,
                manifest,
                published_by: sql::parsed(row, 11)?,
                yanked_reason: row.get(8)?,
                archive: sql::parsed(row, 9)?,
                dist_tags,
                downloads: sql::unsigned(row, 10)?,
            })
        };
        let id: VersionId = row.get(7)?;
        let tags = "SELECT tag FROM dist_tags WHERE version_id = ?1 ORDER BY tag";
        detail(manifest(tx, id)?, sql::all(tx, tags, [id], |row| sql::parsed(row, 0))?)
    })?;
    Ok(found)
}

/// The manifest of a version.
pub(super) fn manifest(tx: &Connection, version: VersionId) -> Tx<Manifest> {
    let query = "SELECT document FROM manifests WHERE version_id = ?1";
    sql::first(tx, query, [version], |row| sql::coded(row, 0, columns::manifest))?
        .ok_or_else(|| Failure::Corrupt("a version without a manifest".into()))
}

/// The files of a version's archive.
pub(super) fn files(tx: &Connection, name: &PackageName, version: &Version) -> Tx<Option<Vec<ArchiveFile>>> {
    let query = format!("SELECT (SELECT c.files FROM contents c WHERE c.version_id = v.id) {FROM}");
    sql::first(tx, &query, (name.as_str(), version.key()), |row| sql::coded(row, 0, columns::files))
}

/// The README of a version.
#[expect(clippy::option_option, reason = "as in the port: no such version, and a version without one")]
pub(super) fn readme(tx: &Connection, name: &PackageName, version: &Version) -> Tx<Option<Option<String>>> {
    let query = format!("SELECT (SELECT c.readme FROM contents c WHERE c.version_id = v.id) {FROM}");
    sql::first(tx, &query, (name.as_str(), version.key()), sql::value)
}

fn summary(row: &Row<'_>) -> Tx<VersionSummary> {
    Ok(VersionSummary {
        version: sql::parsed(row, 0)?,
        published_at: sql::instant(row, 1)?,
        yanked: row.get::<_, Option<i64>>(2)?.is_some(),
        deprecated: row.get(3)?,
        sha256: sql::digest(row, 4)?,
        archive_size: sql::unsigned(row, 5)?,
        dependencies: sql::coded(row, 6, columns::dependencies)?,
        approval_status: ApprovalStatus::Approved,
    })
}
