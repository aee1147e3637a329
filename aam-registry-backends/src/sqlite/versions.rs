//! Versions as reads return them.

use std::collections::BTreeMap;

use aam_registry_core::{
    Error,
    types::{ApprovalStatus, ArchiveFile, Constraint, Manifest, PackageName, Version, VersionDetail, VersionSummary},
};
use rusqlite::{Connection, Row};

use super::{
    failure::{Failure, Tx},
    packages::{self, PackageId},
    sql,
};

/// The id of a version; later published ones have higher ids.
pub(super) type VersionId = i64;

/// What [`summary`] reads.
const SUMMARY: &str = "v.version, v.published_at, v.yanked_at, v.deprecated, v.sha256, v.archive_size, v.dependencies";

/// What finds the version of a full name and a key.
const FROM: &str = "FROM packages p JOIN versions v ON v.package_id = p.id WHERE p.name = ?1 AND v.version_key = ?2";

/// A package and one of its versions, or the error that says which of them does not exist.
pub(super) fn require(tx: &Connection, name: &PackageName, version: &Version) -> Tx<(PackageId, VersionId)> {
    let package = packages::find(tx, name)?.ok_or_else(|| Error::PackageNotFound(name.clone()))?;
    let query = "SELECT id FROM versions WHERE package_id = ?1 AND version_key = ?2";
    let id = sql::first(tx, query, (package, version.key()), sql::value)?;
    Ok((package, id.ok_or_else(|| Error::version_not_found(name, version))?))
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
    let document: String = sql::first(tx, query, [version], sql::value)?
        .ok_or_else(|| Failure::Corrupt("a version without a manifest".into()))?;
    Manifest::from_document(serde_json::from_str(&document)?)
        .map_err(|faults| Failure::Corrupt(format!("a manifest with {} faults", faults.len())))
}

/// The files of a version's archive.
pub(super) fn files(tx: &Connection, name: &PackageName, version: &Version) -> Tx<Option<Vec<ArchiveFile>>> {
    let query = format!("SELECT (SELECT c.files FROM contents c WHERE c.version_id = v.id) {FROM}");
    sql::first(tx, &query, (name.as_str(), version.key()), |row| {
        let files: Vec<FileColumns> = serde_json::from_str(&row.get::<_, String>(0)?)?;
        files
            .into_iter()
            .map(|(path, size, sha256, executable)| Ok(ArchiveFile { path, size, sha256: sha256.parse()?, executable }))
            .collect()
    })
}

/// The README of a version.
#[expect(clippy::option_option, reason = "as in the port: no such version, and a version without one")]
pub(super) fn readme(tx: &Connection, name: &PackageName, version: &Version) -> Tx<Option<Option<String>>> {
    let query = format!("SELECT (SELECT c.readme FROM contents c WHERE c.version_id = v.id) {FROM}");
    sql::first(tx, &query, (name.as_str(), version.key()), sql::value)
}

/// A file as it is stored: path, size, digest in hex, whether it is executable.
type FileColumns = (String, u64, String, bool);

/// The text that [`files`] reads back.
pub(super) fn files_column(files: &[ArchiveFile]) -> Tx<String> {
    let columns: Vec<_> =
        files.iter().map(|file| (&file.path, file.size, file.sha256.to_string(), file.executable)).collect();
    Ok(serde_json::to_string(&columns)?)
}

/// The text that [`summary`] reads dependencies back from.
pub(super) fn dependencies_column(dependencies: &BTreeMap<PackageName, Constraint>) -> Tx<String> {
    let columns: BTreeMap<_, _> =
        dependencies.iter().map(|(name, constraint)| (name.as_str(), constraint.as_str())).collect();
    Ok(serde_json::to_string(&columns)?)
}

fn summary(row: &Row<'_>) -> Tx<VersionSummary> {
    let dependencies: BTreeMap<String, String> =
        serde_json::from_str(row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)?;
    Ok(VersionSummary {
        version: sql::parsed(row, 0)?,
        published_at: sql::instant(row, 1)?,
        yanked: row.get::<_, Option<i64>>(2)?.is_some(),
        deprecated: row.get(3)?,
        sha256: sql::digest(row, 4)?,
        archive_size: sql::unsigned(row, 5)?,
        dependencies: dependencies
            .into_iter()
            .map(|(name, constraint)| Ok((name.parse()?, constraint.parse()?)))
            .collect::<Tx<_>>()?,
        approval_status: ApprovalStatus::Approved,
    })
}
