//! Dist-tags and the choice of `latest`.

use aam_registry_core::types::{DistTag, LatestPolicy, LatestTag, PublishedVersion, Version};
use rusqlite::Connection;

use super::{failure::Tx, listing, packages::PackageId, sql, versions::VersionId};

/// Makes a tag other than `latest` name a version; whether it did not before.
pub(super) fn set(tx: &Connection, package: PackageId, tag: &DistTag, version: VersionId) -> Tx<bool> {
    let changed = sql::run(
        tx,
        "INSERT INTO dist_tags (package_id, tag, version_id) VALUES (?1, ?2, ?3)
         ON CONFLICT (package_id, tag) DO UPDATE SET version_id = excluded.version_id
         WHERE version_id <> excluded.version_id",
        (package, tag.as_str(), version),
    )?;
    Ok(changed > 0)
}

/// Whether there is such a tag.
pub(super) fn exists(tx: &Connection, package: PackageId, tag: &DistTag) -> Tx<bool> {
    sql::exists(tx, "SELECT 1 FROM dist_tags WHERE package_id = ?1 AND tag = ?2", (package, tag.as_str()))
}

/// Removes a tag; whether there was one.
pub(super) fn remove(tx: &Connection, package: PackageId, tag: &DistTag) -> Tx<bool> {
    let delete = "DELETE FROM dist_tags WHERE package_id = ?1 AND tag = ?2";
    Ok(sql::run(tx, delete, (package, tag.as_str()))? > 0)
}

/// The tags that name a version, by name.
pub(super) fn of_version(tx: &Connection, version: VersionId) -> Tx<Vec<DistTag>> {
    let query = "SELECT tag FROM dist_tags WHERE version_id = ?1 ORDER BY tag";
    sql::all(tx, query, [version], |row| sql::parsed(row, 0))
}

/// What `latest` names.
pub(super) fn latest(tx: &Connection, package: PackageId) -> Tx<Option<LatestTag>> {
    let query = "SELECT v.version, t.instead_of FROM dist_tags t JOIN versions v ON v.id = t.version_id
                 WHERE t.package_id = ?1 AND t.tag = ?2";
    sql::first(tx, query, (package, DistTag::LATEST), |row| {
        let instead_of: Option<String> = row.get(1)?;
        let instead_of = instead_of.map(|version| version.parse()).transpose()?;
        Ok(LatestTag { version: sql::parsed(row, 0)?, instead_of })
    })
}

/// Sets `latest` by hand; whether it named something else before.
pub(super) fn set_latest(tx: &Connection, package: PackageId, version: &Version) -> Tx<bool> {
    let before = latest(tx, package)?;
    let after = LatestTag::set_by_hand(version.clone(), before.as_ref());
    put_latest(tx, package, before.as_ref(), Some(&after))
}

/// Recomputes `latest`; gives what it named before and what it names now.
pub(super) fn recompute_latest(
    tx: &Connection,
    package: PackageId,
    policy: LatestPolicy,
) -> Tx<(Option<LatestTag>, Option<LatestTag>)> {
    let before = latest(tx, package)?;
    let query = "SELECT version, yanked_at FROM versions WHERE package_id = ?1 ORDER BY id";
    let published: Vec<_> = sql::all(tx, query, [package], |row| {
        let visible = row.get::<_, Option<i64>>(1)?.is_none();
        Ok(PublishedVersion { version: sql::parsed(row, 0)?, visible })
    })?;
    let after = policy.recompute(before.as_ref(), &published);
    put_latest(tx, package, before.as_ref(), after.as_ref())?;
    Ok((before, after))
}

fn put_latest(tx: &Connection, package: PackageId, before: Option<&LatestTag>, after: Option<&LatestTag>) -> Tx<bool> {
    if before == after {
        return Ok(false);
    }
    match after {
        None => {
            remove(tx, package, &DistTag::latest())?;
        }
        Some(after) => {
            sql::run(
                tx,
                "INSERT INTO dist_tags (package_id, tag, version_id, instead_of)
                 SELECT ?1, ?2, id, ?4 FROM versions WHERE package_id = ?1 AND version_key = ?3
                 ON CONFLICT (package_id, tag)
                 DO UPDATE SET version_id = excluded.version_id, instead_of = excluded.instead_of",
                (package, DistTag::LATEST, after.version.key(), after.instead_of.as_ref().map(ToString::to_string)),
            )?;
        }
    }
    if before.map(|tag| &tag.version) != after.map(|tag| &tag.version) {
        listing::rebuild(tx, package)?;
    }
    Ok(true)
}
