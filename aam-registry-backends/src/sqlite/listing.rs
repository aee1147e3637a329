//! What search knows of a package: what its `latest` says.

use aam_registry_core::types::{ArtifactType, DistTag, PackageName, search_words};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    failure::Tx,
    packages::PackageId,
    spelling, sql,
    versions::{self, VersionId},
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
            sql::signed(downloads),
            popularity(downloads),
            updated_at,
        ),
    )?;
    for keyword in &manifest.keywords {
        let insert = "INSERT INTO listing_keywords (keyword, package_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        sql::run(tx, insert, (keyword, package))?;
    }
    let artifacts: Vec<_> = manifest.artifacts.iter().flat_map(|(_, artifact)| search_words(&artifact.name)).collect();
    let keywords: Vec<_> = manifest.keywords.iter().flat_map(|keyword| search_words(keyword)).collect();
    let columns = [
        search_words(name.as_str()),
        keywords,
        artifacts,
        search_words(&manifest.description),
        search_words(manifest.author.as_deref().unwrap_or_default()),
    ];
    spelling::learn(tx, columns.iter().flatten())?;
    let insert = "INSERT INTO listing_text (name, keywords, artifacts, description, author, rowid)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let [name, keywords, artifacts, description, author] = columns.map(|words| words.join(" "));
    sql::run(tx, insert, (name, keywords, artifacts, description, author, package))?;
    Ok(())
}

/// The factor by which downloads raise a text rank: a thousand of them weigh
/// about as much as the word in another place.
pub(super) fn popularity(downloads: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a logarithm does not tell such numbers apart")]
    let downloads = downloads as f64;
    1.0 + downloads.ln_1p() / 10.0
}

/// A bit for each type.
pub(super) fn type_bits(types: &[ArtifactType]) -> u8 {
    ArtifactType::ALL.iter().zip(0..).filter(|(kind, _)| types.contains(kind)).fold(0, |bits, (_, at)| bits | 1 << at)
}

/// The types of [`type_bits`].
pub(super) fn types_of_bits(bits: u8) -> Vec<ArtifactType> {
    ArtifactType::ALL.iter().zip(0..).filter(|(_, at)| bits & (1 << at) != 0).map(|(kind, _)| *kind).collect()
}
