//! What search knows of a package: what its `latest` says.

use aam_registry_core::types::{DistTag, PackageName};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    failure::Tx,
    ids::{PackageId, VersionId},
    sql, versions,
};
use crate::relational::{
    columns,
    listing::{artifact_names, type_bits},
};

/// Numbers a change of what is listed, behind all that were made before.
macro_rules! next_change {
    () => {
        "(SELECT coalesce(max(change), 0) + 1 FROM listings)"
    };
}
pub(super) use next_change;

const TOUCH: &str = concat!(
    "UPDATE listings SET updated_at = max(updated_at, ?2), change = ",
    next_change!(),
    " WHERE package_id = ?1"
);
const SET_PRIVATE: &str =
    concat!("UPDATE listings SET private = ?2, change = ", next_change!(), " WHERE package_id = ?1");
const UNLIST: &str = concat!(
    "UPDATE listings SET latest_version = NULL, change = ",
    next_change!(),
    " WHERE package_id = ?1 AND latest_version IS NOT NULL"
);
const LIST: &str = concat!(
    "INSERT INTO listings (package_id, name, description, author, latest_version, keywords, artifacts,
                           artifact_types, downloads, updated_at, private, change)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, (SELECT private FROM packages WHERE id = ?1), ",
    next_change!(),
    ") ON CONFLICT (package_id) DO UPDATE SET description = excluded.description, author = excluded.author,
        latest_version = excluded.latest_version, keywords = excluded.keywords, artifacts = excluded.artifacts,
        artifact_types = excluded.artifact_types, downloads = excluded.downloads, updated_at = excluded.updated_at,
        change = excluded.change"
);

/// Notes that something of a package changed.
pub(super) fn touch(tx: &Connection, package: PackageId, now: Timestamp) -> Tx<()> {
    let now = now.as_microsecond();
    sql::run(tx, "UPDATE packages SET updated_at = max(updated_at, ?2) WHERE id = ?1", (package, now))?;
    sql::run(tx, TOUCH, (package, now))?;
    Ok(())
}

/// Makes a package private or public.
pub(super) fn set_private(tx: &Connection, package: PackageId, private: bool) -> Tx<()> {
    sql::run(tx, "UPDATE packages SET private = ?2 WHERE id = ?1", (package, private))?;
    sql::run(tx, SET_PRIVATE, (package, private)).map(drop)
}

/// Lists a package by what its `latest` says now; not at all where it has none.
pub(super) fn rebuild(tx: &Connection, package: PackageId) -> Tx<()> {
    let query = "SELECT p.name, p.downloads, p.updated_at, t.version_id FROM dist_tags t
                 JOIN packages p ON p.id = t.package_id WHERE t.package_id = ?1 AND t.tag = ?2";
    let latest = sql::first(tx, query, (package, DistTag::LATEST), |row| {
        let (updated_at, version): (i64, VersionId) = (row.get(2)?, row.get(3)?);
        Ok((sql::parsed::<PackageName>(row, 0)?, sql::unsigned(row, 1)?, updated_at, version))
    })?;
    let Some((name, downloads, updated_at, version)) = latest else {
        sql::run(tx, UNLIST, [package])?;
        return Ok(());
    };
    let manifest = versions::manifest(tx, version)?;
    let row = (
        package,
        name.as_str(),
        &manifest.description,
        &manifest.author,
        manifest.version.to_string(),
        serde_json::to_string(&manifest.keywords)?,
        artifact_names(&manifest),
        type_bits(&manifest.artifacts.types()),
        columns::signed(downloads),
        updated_at,
    );
    sql::run(tx, LIST, row)?;
    Ok(())
}
