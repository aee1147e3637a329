//! What search knows of a package: what its `latest` says.

use aam_registry_core::types::{DistTag, PackageName};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    failure::Tx,
    packages::PackageId,
    spelling, sql,
    versions::{self, VersionId},
};
use crate::relational::{
    columns,
    listing::{ListedWords, popularity, type_bits},
};

/// Notes that something of a package changed.
pub(super) fn touch(tx: &Connection, package: PackageId, now: Timestamp) -> Tx<()> {
    let now = now.as_microsecond();
    sql::run(tx, "UPDATE packages SET updated_at = ?2 WHERE id = ?1", (package, now))?;
    sql::run(tx, "UPDATE listings SET updated_at = ?2 WHERE package_id = ?1", (package, now))?;
    Ok(())
}

/// Lists a package by what its `latest` says now; not at all where it has none.
pub(super) fn rebuild(tx: &Connection, package: PackageId) -> Tx<()> {
    for delete in [
        "DELETE FROM listings WHERE package_id = ?1",
        "DELETE FROM listing_keywords WHERE package_id = ?1",
        "DELETE FROM listing_text WHERE rowid = ?1",
    ] {
        sql::run(tx, delete, [package])?;
    }
    let query = "SELECT p.name, p.downloads, p.updated_at, t.version_id FROM dist_tags t
                 JOIN packages p ON p.id = t.package_id WHERE t.package_id = ?1 AND t.tag = ?2";
    let latest = sql::first(tx, query, (package, DistTag::LATEST), |row| {
        let (updated_at, version): (i64, VersionId) = (row.get(2)?, row.get(3)?);
        Ok((sql::parsed::<PackageName>(row, 0)?, sql::unsigned(row, 1)?, updated_at, version))
    })?;
    let Some((name, downloads, updated_at, version)) = latest else { return Ok(()) };
    let manifest = versions::manifest(tx, version)?;
    sql::run(
        tx,
        "INSERT INTO listings (package_id, name, bare_name, scope, description, author, latest_version, keywords,
                               artifact_types, downloads, popularity, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        (
            package,
            name.as_str(),
            name.bare(),
            name.scope_or_empty(),
            &manifest.description,
            &manifest.author,
            manifest.version.to_string(),
            serde_json::to_string(&manifest.keywords)?,
            type_bits(&manifest.artifacts.types()),
            columns::signed(downloads),
            popularity(downloads),
            updated_at,
        ),
    )?;
    for keyword in &manifest.keywords {
        let insert = "INSERT INTO listing_keywords (keyword, package_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        sql::run(tx, insert, (keyword, package))?;
    }
    let words = ListedWords::of(&manifest);
    spelling::learn(tx, words.fields().into_iter().flatten())?;
    let insert = "INSERT INTO listing_text (name, keywords, artifacts, description, author, rowid)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let [name, keywords, artifacts, description, author] = words.fields().map(|words| words.join(" "));
    sql::run(tx, insert, (name, keywords, artifacts, description, author, package))?;
    Ok(())
}
