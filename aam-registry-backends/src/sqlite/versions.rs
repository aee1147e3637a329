//! Versions as reads return them.

use aam_registry_core::types::{
    ApprovalStatus, ArchiveFile, ArchiveLocation, LocatedVersion, Manifest, PackageName, PublishedVersion, Reach,
    Version, VersionDetail, VersionList, VersionRange, VersionSummary, VersionTexts, Visibility,
};
use rusqlite::{Connection, Row};

use super::{
    evals,
    failure::{Failure, Tx},
    ids::{PackageId, VersionId},
    sql,
};
use crate::relational::columns;

/// What [`summary`] reads.
const SUMMARY: &str = "v.version, v.published_at, v.yanked_at, v.sha256, v.archive_size, v.dependencies";
/// And at the end of the query.
const TEXTS: &str = columns::version_texts!("v");

/// What finds the version of a full name and a key within reach: `?3` says whether private packages are.
const FROM: &str = "FROM packages p JOIN versions v ON v.package_id = p.id
    WHERE p.name = ?1 AND v.version_key = ?2 AND (NOT p.private OR ?3)";

/// The version of a package that was published last.
pub(super) fn newest(tx: &Connection, package: PackageId) -> Tx<VersionId> {
    let query = "SELECT id FROM versions WHERE package_id = ?1 ORDER BY id DESC LIMIT 1";
    sql::first(tx, query, [package], sql::value)?.ok_or_else(|| Failure::Corrupt("a package without versions".into()))
}

/// A part of the versions of a package, newest published first.
pub(super) fn list(tx: &Connection, package: PackageId, range: &VersionRange) -> Tx<VersionList> {
    let end: Option<VersionId> = match &range.before {
        None => Some(VersionId::MAX),
        Some(before) => {
            let query = "SELECT id FROM versions WHERE package_id = ?1 AND version_key = ?2";
            sql::first(tx, query, (package, before.key()), sql::value)?
        }
    };
    // The sizes first: they are told without the texts being read. One more than wanted tells whether there are older ones.
    let sizes = "SELECT id, octet_length(dependencies) FROM versions WHERE package_id = ?1 AND id < ?2
                 ORDER BY id DESC LIMIT ?3";
    let limit = columns::limit(range.bounds.versions.saturating_add(1));
    let sizes: Vec<(VersionId, usize)> = sql::all(tx, sizes, (package, end.unwrap_or_default(), limit), |row| {
        Ok((row.get(0)?, usize::try_from(sql::unsigned(row, 1)?).unwrap_or(usize::MAX)))
    })?;
    let count = range.bounds.count(sizes.iter().map(|(_, size)| *size));
    let versions = match count.checked_sub(1).and_then(|last| sizes.get(last)) {
        None => Vec::new(),
        Some((last, _)) => {
            let query = format!(
                "SELECT {SUMMARY}, {TEXTS} FROM versions v WHERE v.package_id = ?1 AND v.id < ?2 AND v.id >= ?3
                 ORDER BY v.id DESC"
            );
            sql::all(tx, &query, (package, end, last), summary)?
        }
    };
    let total =
        sql::first(tx, "SELECT count(*) FROM versions WHERE package_id = ?1", [package], |row| sql::unsigned(row, 0))?;
    Ok(VersionList { versions, total: total.unwrap_or_default(), has_older: count < sizes.len() })
}

/// The number of every version of a package, newest published first.
pub(super) fn numbers(tx: &Connection, package: PackageId) -> Tx<Vec<PublishedVersion>> {
    let query = "SELECT version, yanked_at IS NULL FROM versions WHERE package_id = ?1 ORDER BY id DESC";
    sql::all(tx, query, [package], |row| Ok(PublishedVersion { version: sql::parsed(row, 0)?, visible: row.get(1)? }))
}

/// Everything about one version.
pub(super) fn detail(
    tx: &Connection,
    name: &PackageName,
    version: &Version,
    reach: Reach,
) -> Tx<Option<VersionDetail>> {
    let query = format!(
        "SELECT {SUMMARY}, v.id, v.yanked_reason, v.archive, v.downloads,
         COALESCE(v.publisher, (SELECT u.username FROM users u WHERE u.id = v.published_by)), p.private, {TEXTS} {FROM}"
    );
    let found = sql::first(tx, &query, (name.as_str(), version.key(), reach.includes_private()), |row| {
        let detail = |manifest, dist_tags, eval_results| -> Tx<VersionDetail> {
            Ok(VersionDetail {
                package: name.clone(),
                summary: summary(row)?,
                manifest,
                published_by: row.get(10)?,
                yanked_reason: row.get(7)?,
                archive: sql::parsed(row, 8)?,
                dist_tags,
                downloads: sql::unsigned(row, 9)?,
                visibility: Visibility::of(row.get(11)?),
                eval_results,
            })
        };
        let id: VersionId = row.get(6)?;
        let tags = "SELECT tag FROM dist_tags WHERE version_id = ?1 ORDER BY tag";
        let tags = sql::all(tx, tags, [id], |row| sql::parsed(row, 0))?;
        detail(manifest(tx, id)?, tags, evals::of_version(tx, id)?)
    })?;
    Ok(found)
}

/// What is needed of a version to choose it or to read its archive.
pub(super) fn located(
    tx: &Connection,
    name: &PackageName,
    version: &Version,
    reach: Reach,
) -> Tx<Option<LocatedVersion>> {
    let query = format!("SELECT {SUMMARY}, v.archive, p.private, {TEXTS} {FROM}");
    sql::first(tx, &query, (name.as_str(), version.key(), reach.includes_private()), |row| {
        let summary = summary(row)?;
        let location = ArchiveLocation {
            package: name.clone(),
            version: summary.version.clone(),
            archive: sql::parsed(row, 6)?,
            sha256: summary.sha256,
            size: summary.archive_size,
            visibility: Visibility::of(row.get(7)?),
        };
        Ok(LocatedVersion { summary, location })
    })
}

/// The manifest of a version.
pub(super) fn manifest(tx: &Connection, version: VersionId) -> Tx<Manifest> {
    let query = "SELECT document FROM manifests WHERE version_id = ?1";
    sql::first(tx, query, [version], |row| sql::coded(row, 0, columns::manifest))?
        .ok_or_else(|| Failure::Corrupt("a version without a manifest".into()))
}

/// The files of a version's archive.
pub(super) fn files(
    tx: &Connection,
    name: &PackageName,
    version: &Version,
    reach: Reach,
) -> Tx<Option<Vec<ArchiveFile>>> {
    let query = format!("SELECT (SELECT c.files FROM contents c WHERE c.version_id = v.id) {FROM}");
    sql::first(tx, &query, (name.as_str(), version.key(), reach.includes_private()), |row| {
        sql::coded(row, 0, columns::files)
    })
}

/// The README of a version.
#[expect(clippy::option_option, reason = "as in the port: no such version, and a version without one")]
pub(super) fn readme(
    tx: &Connection,
    name: &PackageName,
    version: &Version,
    reach: Reach,
) -> Tx<Option<Option<String>>> {
    let query = format!("SELECT (SELECT c.readme FROM contents c WHERE c.version_id = v.id) {FROM}");
    sql::first(tx, &query, (name.as_str(), version.key(), reach.includes_private()), sql::value)
}

/// The texts of a version, from the columns of [`columns::version_texts`].
pub(super) fn texts(row: &Row<'_>) -> Tx<VersionTexts> {
    Ok(VersionTexts::read(|text| row.get(text.key()))?)
}

fn summary(row: &Row<'_>) -> Tx<VersionSummary> {
    Ok(VersionSummary {
        version: sql::parsed(row, 0)?,
        published_at: sql::instant(row, 1)?,
        yanked: row.get::<_, Option<i64>>(2)?.is_some(),
        texts: texts(row)?,
        sha256: sql::digest(row, 3)?,
        archive_size: sql::unsigned(row, 4)?,
        dependencies: sql::coded(row, 5, columns::dependencies)?,
        approval_status: ApprovalStatus::Approved,
    })
}
