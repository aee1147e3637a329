//! What search knows of a package: what its `latest` says.

use aam_registry_core::types::{Manifest, PackageName, Version};
use jiff::Timestamp;

use super::{
    connection::Session,
    failure::{Failure, Tx},
    sql::{self, Text},
    versions::of_name_and_key,
};
use crate::relational::{
    columns,
    listing::{artifact_names, type_bits},
};

/// Notes that a row of `listings l` changes, for searches.
macro_rules! changed {
    () => {
        "revision = l.revision + 1, changed_by = pg_current_xact_id()::text::bigint"
    };
}
pub(super) use changed;

/// Makes a package private or public.
pub(super) const SET_PRIVATE: &str = concat!(
    "WITH package AS (UPDATE packages SET private = $2 WHERE name = $1 RETURNING id)
    UPDATE listings l SET private = $2, ",
    changed!(),
    " FROM package p WHERE l.package_id = p.id"
);
/// Notes that something of a package changed.
pub(super) const TOUCH: &str = concat!(
    "WITH package AS (UPDATE packages SET updated_at = GREATEST(updated_at, $2) WHERE name = $1 RETURNING id, updated_at)
    UPDATE listings l SET updated_at = p.updated_at, ",
    changed!(),
    " FROM package p WHERE l.package_id = p.id"
);
pub(super) const TOUCH_LISTING: &str = concat!(
    "UPDATE listings l SET updated_at = GREATEST(l.updated_at, $2), ",
    changed!(),
    " FROM packages p WHERE p.name = $1 AND l.package_id = p.id"
);
pub(super) const UNLIST: &str = concat!(
    "UPDATE listings l SET latest_version = NULL, ",
    changed!(),
    " FROM packages p WHERE p.name = $1 AND l.package_id = p.id AND l.latest_version IS NOT NULL"
);
pub(super) const LIST: &str = concat!(
    "INSERT INTO listings AS l (package_id, name, description, author, latest_version, keywords, artifacts,
                               artifact_types, downloads, updated_at, private)
    SELECT id, $1, $2, $3, $4, $5, $6, $7, downloads, updated_at, private FROM packages WHERE name = $1
    ON CONFLICT (package_id) DO UPDATE SET description = excluded.description, author = excluded.author,
        latest_version = excluded.latest_version, keywords = excluded.keywords, artifacts = excluded.artifacts,
        artifact_types = excluded.artifact_types, updated_at = GREATEST(l.updated_at, excluded.updated_at), ",
    changed!()
);
const MANIFEST: &str =
    concat!("SELECT (SELECT m.document FROM manifests m WHERE m.version_id = v.id)", of_name_and_key!());

/// Notes that something of a package changed.
pub(super) async fn touch(tx: &Session, name: &PackageName, now: Timestamp) -> Tx<()> {
    sql::run(tx, TOUCH, [&name.as_str(), &now.as_microsecond()]).await.map(drop)
}

/// Notes in the listing alone that something of a package changed.
pub(super) async fn touch_listing(tx: &Session, name: &PackageName, now: Timestamp) -> Tx<()> {
    sql::run(tx, TOUCH_LISTING, [&name.as_str(), &now.as_microsecond()]).await.map(drop)
}

/// Lists a package no longer, since it has no `latest`.
pub(super) async fn unlist(tx: &Session, name: &PackageName) -> Tx<()> {
    sql::run(tx, UNLIST, [&name.as_str()]).await.map(drop)
}

/// Lists a package by what the manifest of its `latest` says.
pub(super) async fn list(tx: &Session, manifest: &Manifest) -> Tx<()> {
    let name = manifest.name.as_str();
    let artifacts = artifact_names(manifest);
    let row: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
        &name,
        &Text(&manifest.description),
        &manifest.author.as_deref().map(Text),
        &manifest.version.to_string(),
        &serde_json::to_string(&manifest.keywords)?,
        &Text(&artifacts),
        &i16::from(type_bits(&manifest.artifacts.types())),
    ];
    sql::run(tx, LIST, row).await.map(drop)
}

/// The manifest of a version, to list its package by.
pub(super) async fn manifest(tx: &Session, name: &PackageName, version: &Version) -> Tx<Manifest> {
    sql::first(tx, MANIFEST, [&name.as_str(), &version.key()], |row| sql::coded(row, 0, columns::manifest))
        .await?
        .ok_or_else(|| Failure::Corrupt("a tag that names no version".into()))
}
