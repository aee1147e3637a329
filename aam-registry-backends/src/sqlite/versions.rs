//! Versions as reads return them.

use aam_registry_core::types::{
    ArchiveFile, ArchiveLocation, LocatedVersion, Manifest, PackageName, PublishedVersion, Quarantine, Reach, Version,
    VersionDetail, VersionList, VersionRange, VersionSummary, VersionTexts, Visibility,
};
use rusqlite::{Connection, Row};

use super::{
    evals,
    failure::{Failure, Tx},
    ids::{PackageId, VersionId},
    sql,
};
use crate::relational::{
    columns,
    predicates::{version_is_in_reach, version_is_listed, version_is_numbered},
};

/// What [`summary`] reads.
const SUMMARY: &str = "v.version, v.published_at, v.yanked_at, v.sha256, v.archive_size, v.dependencies, v.status";
/// And at the end of the query.
const TEXTS: &str = columns::version_texts!("v");

/// What finds the version of a full name and a key within reach: `?3` says whether private packages are, `?4` whether
/// versions of every status are.
const FROM: &str = concat!(
    "FROM packages p JOIN versions v ON v.package_id = p.id
    WHERE p.name = ?1 AND v.version_key = ?2 AND (NOT p.private OR ?3) AND ",
    version_is_in_reach!("v.", "?4")
);
/// The same, with the quarantine that the version is in and who put it there.
const FROM_WITH_QUARANTINE: &str = concat!(
    "FROM packages p JOIN versions v ON v.package_id = p.id
    LEFT JOIN recalls r ON r.version_id = v.id AND r.lifted_at IS NULL LEFT JOIN users m ON m.id = r.moderator
    WHERE p.name = ?1 AND v.version_key = ?2 AND (NOT p.private OR ?3) AND ",
    version_is_in_reach!("v.", "?4")
);

/// The parameters of [`FROM`].
fn wanted<'a>(name: &'a PackageName, version: &Version, reach: Reach) -> (&'a str, String, bool, bool) {
    (name.as_str(), version.key(), reach.includes_private(), reach.includes_every_status())
}

/// The version of a package that was published last of those that are listed.
pub(super) fn newest(tx: &Connection, package: PackageId, reach: Reach) -> Tx<Option<VersionId>> {
    let query = concat!(
        "SELECT id FROM versions WHERE package_id = ?1 AND ",
        version_is_listed!("", "?2"),
        " ORDER BY id DESC LIMIT 1"
    );
    sql::first(tx, query, (package, reach.includes_every_status()), sql::value)
}

/// A part of the versions of a package, newest published first.
pub(super) fn list(tx: &Connection, package: PackageId, range: &VersionRange, reach: Reach) -> Tx<VersionList> {
    let every = reach.includes_every_status();
    let end: Option<VersionId> = match &range.before {
        None => Some(VersionId::MAX),
        Some(before) => {
            let query = "SELECT id FROM versions WHERE package_id = ?1 AND version_key = ?2";
            sql::first(tx, query, (package, before.key()), sql::value)?
        }
    };
    // The sizes first: they are told without the texts being read. One more than wanted tells whether there are older ones.
    let sizes = concat!(
        "SELECT id, octet_length(dependencies) FROM versions WHERE package_id = ?1 AND id < ?2 AND ",
        version_is_listed!("", "?4"),
        " ORDER BY id DESC LIMIT ?3"
    );
    let limit = columns::limit(range.bounds.versions.saturating_add(1));
    let sizes: Vec<(VersionId, usize)> =
        sql::all(tx, sizes, (package, end.unwrap_or_default(), limit, every), |row| {
            Ok((row.get(0)?, usize::try_from(sql::unsigned(row, 1)?).unwrap_or(usize::MAX)))
        })?;
    let count = range.bounds.count(sizes.iter().map(|(_, size)| *size));
    let versions = match count.checked_sub(1).and_then(|last| sizes.get(last)) {
        None => Vec::new(),
        Some((last, _)) => {
            let query = format!(
                "SELECT {SUMMARY}, {TEXTS} FROM versions v WHERE v.package_id = ?1 AND v.id < ?2 AND v.id >= ?3
                 AND {} ORDER BY v.id DESC",
                version_is_listed!("v.", "?4")
            );
            sql::all(tx, &query, (package, end, last, every), summary)?
        }
    };
    let total = concat!("SELECT count(*) FROM versions WHERE package_id = ?1 AND ", version_is_listed!("", "?2"));
    let total = sql::first(tx, total, (package, every), |row| sql::unsigned(row, 0))?;
    Ok(VersionList { versions, total: total.unwrap_or_default(), has_older: count < sizes.len() })
}

/// The number of every version of a package, newest published first.
pub(super) fn numbers(tx: &Connection, package: PackageId, reach: Reach) -> Tx<Vec<PublishedVersion>> {
    let query = concat!(
        "SELECT version, yanked_at IS NOT NULL, status FROM versions WHERE package_id = ?1 AND ",
        version_is_numbered!("", "?2"),
        " ORDER BY id DESC"
    );
    sql::all(tx, query, (package, reach.includes_every_status()), |row| {
        let status = sql::coded(row, 2, columns::version_status)?;
        Ok(PublishedVersion::new(sql::parsed(row, 0)?, row.get(1)?, status))
    })
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
         COALESCE(v.publisher, (SELECT u.username FROM users u WHERE u.id = v.published_by)), p.private, r.category, r.reason, r.at, m.username,
         {TEXTS} {FROM_WITH_QUARANTINE}"
    );
    let found = sql::first(tx, &query, wanted(name, version, reach), |row| {
        let detail = |manifest, dist_tags, eval_results| -> Tx<VersionDetail> {
            Ok(VersionDetail {
                package: name.clone(),
                summary: summary(row)?,
                manifest,
                published_by: row.get(11)?,
                yanked_reason: row.get(8)?,
                archive: sql::parsed(row, 9)?,
                dist_tags,
                downloads: sql::unsigned(row, 10)?,
                visibility: Visibility::of(row.get(12)?),
                quarantine: quarantine(row)?,
                eval_results,
            })
        };
        let id: VersionId = row.get(7)?;
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
    sql::first(tx, &query, wanted(name, version, reach), |row| {
        let summary = summary(row)?;
        let location = ArchiveLocation {
            package: name.clone(),
            version: summary.version.clone(),
            archive: sql::parsed(row, 7)?,
            sha256: summary.sha256,
            size: summary.archive_size,
            visibility: Visibility::of(row.get(8)?),
            status: summary.status,
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
    sql::first(tx, &query, wanted(name, version, reach), |row| sql::coded(row, 0, columns::files))
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
    sql::first(tx, &query, wanted(name, version, reach), sql::value)
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
        status: sql::coded(row, 6, columns::version_status)?,
    })
}

/// The quarantine of a version, from the columns that [`detail`] reads.
fn quarantine(row: &Row<'_>) -> Tx<Option<Quarantine>> {
    let Some(reason) = row.get::<_, Option<String>>(14)? else { return Ok(None) };
    let by: Option<String> = row.get(16)?;
    Ok(Some(Quarantine {
        category: sql::coded(row, 13, columns::moderation_category)?,
        reason,
        at: sql::instant(row, 15)?,
        by: by.map(|by| by.parse()).transpose()?,
    }))
}
