//! Versions as reads return them.

use aam_registry_core::types::{ApprovalStatus, ArchiveFile, PackageName, Version, VersionDetail, VersionSummary};
use tokio_postgres::Row;

use super::{
    connection::Session,
    failure::{Failure, Tx},
    sql,
};
use crate::relational::columns;

/// The id of a version; of one package, later published ones have higher ids.
pub(super) type VersionId = i64;

/// What [`summary`] reads.
macro_rules! summary_columns {
    () => {
        "v.version, v.published_at, v.yanked_at, v.deprecated, v.sha256, v.archive_size, v.dependencies"
    };
}

/// What finds the version of a full name and a key.
macro_rules! of_name_and_key {
    () => {
        " FROM packages p JOIN versions v ON v.package_id = p.id WHERE p.name = $1 AND v.version_key = $2"
    };
}
pub(super) use of_name_and_key;

/// A row for each version, or one without a version where a package has none.
pub(super) const SUMMARIES: &str = concat!(
    "SELECT ",
    summary_columns!(),
    " FROM packages p LEFT JOIN versions v ON v.package_id = p.id WHERE p.name = $1 ORDER BY v.id DESC"
);
const DETAIL: &str = concat!(
    "SELECT ",
    summary_columns!(),
    ", v.yanked_reason, v.archive, v.downloads, (SELECT u.username FROM users u WHERE u.id = v.published_by),
       (SELECT m.document FROM manifests m WHERE m.version_id = v.id),
       ARRAY(SELECT t.tag FROM dist_tags t WHERE t.version_id = v.id ORDER BY t.tag)",
    of_name_and_key!()
);
const FILES: &str = concat!("SELECT (SELECT c.files FROM contents c WHERE c.version_id = v.id)", of_name_and_key!());
const README: &str = concat!("SELECT (SELECT c.readme FROM contents c WHERE c.version_id = v.id)", of_name_and_key!());

/// The versions of a package, newest published first.
pub(super) async fn summaries(tx: &Session, name: &PackageName) -> Tx<Option<Vec<VersionSummary>>> {
    let [query] = tx.prepare([SUMMARIES]).await?;
    read_summaries(&tx.rows(&query, [&name.as_str()]).await?)
}

/// What the rows of [`SUMMARIES`] say.
pub(super) fn read_summaries(rows: &[Row]) -> Tx<Option<Vec<VersionSummary>>> {
    let Some(first) = rows.first() else { return Ok(None) };
    if first.try_get::<_, Option<&str>>(0)?.is_none() {
        return Ok(Some(Vec::new()));
    }
    rows.iter().map(summary).collect::<Tx<_>>().map(Some)
}

/// Everything about one version.
pub(super) async fn detail(tx: &Session, name: &PackageName, version: &Version) -> Tx<Option<VersionDetail>> {
    sql::first(tx, DETAIL, [&name.as_str(), &version.key()], |row| {
        let document: Option<&str> = row.try_get(11)?;
        let document = document.ok_or_else(|| Failure::Corrupt("a version without a manifest".into()))?;
        let dist_tags = row.try_get::<_, Vec<&str>>(12)?.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        Ok(VersionDetail {
            package: name.clone(),
            summary: summary(row)?,
            manifest: columns::manifest(document)?,
            published_by: sql::parsed(row, 10)?,
            yanked_reason: sql::optional_text(row, 7)?,
            archive: sql::parsed(row, 8)?,
            dist_tags,
            downloads: sql::unsigned(row, 9)?,
        })
    })
    .await
}

/// The files of a version's archive.
pub(super) async fn files(tx: &Session, name: &PackageName, version: &Version) -> Tx<Option<Vec<ArchiveFile>>> {
    sql::first(tx, FILES, [&name.as_str(), &version.key()], |row| sql::coded(row, 0, columns::files)).await
}

/// The README of a version.
pub(super) async fn readme(tx: &Session, name: &PackageName, version: &Version) -> Tx<Option<Option<String>>> {
    sql::first(tx, README, [&name.as_str(), &version.key()], |row| sql::optional_text(row, 0)).await
}

fn summary(row: &Row) -> Tx<VersionSummary> {
    Ok(VersionSummary {
        version: sql::parsed(row, 0)?,
        published_at: sql::instant(row, 1)?,
        yanked: row.try_get::<_, Option<i64>>(2)?.is_some(),
        deprecated: sql::optional_text(row, 3)?,
        sha256: sql::digest(row, 4)?,
        archive_size: sql::unsigned(row, 5)?,
        dependencies: sql::coded(row, 6, columns::dependencies)?,
        approval_status: ApprovalStatus::Approved,
    })
}
