//! Versions as reads return them.

use aam_registry_core::types::{
    ArchiveFile, ArchiveLocation, LocatedVersion, PackageName, PublishedVersion, Quarantine, Reach, Version,
    VersionBounds, VersionDetail, VersionList, VersionRange, VersionSummary, VersionTexts, Visibility,
};
use tokio_postgres::Row;

use super::{
    connection::{Params, Session},
    evals::{self, eval_results_column},
    failure::{Failure, Tx},
    sql,
};
use crate::relational::{
    columns,
    predicates::{version_is_in_reach, version_is_listed, version_is_numbered},
};

/// What [`summary`] reads.
macro_rules! summary_columns {
    () => {
        "v.version, v.published_at, v.yanked_at, v.sha256, v.archive_size, v.dependencies, v.status"
    };
}

/// What finds the version of a full name and a key.
macro_rules! of_name_and_key {
    () => {
        " FROM packages p JOIN versions v ON v.package_id = p.id WHERE p.name = $1 AND v.version_key = $2"
    };
}
pub(super) use of_name_and_key;

/// What finds the same within reach: `$3` says whether private packages are, `$4` whether versions of every status are.
macro_rules! of_name_and_key_in_reach {
    () => {
        concat!(
            of_name_and_key!(),
            " AND (NOT p.private OR $3) AND ",
            crate::relational::predicates::version_is_in_reach!("v.", "$4")
        )
    };
}
pub(super) use of_name_and_key_in_reach;

/// A row for each version within the bounds and one more where there is one,
/// or one without a version where there is none; each with the number of all.
///
/// The sizes of texts are told without the texts being read, and a window
/// passes on where a long one lies: only those of the rows given are read.
pub(super) const LIST: &str = concat!(
    "SELECT ",
    summary_columns!(),
    ", (SELECT count(*) FROM versions c WHERE c.package_id = p.id AND ",
    version_is_listed!("c.", "$6"),
    "), v.dependencies_before < $3, ",
    columns::version_texts!("v"),
    "
    FROM packages p LEFT JOIN LATERAL (
        SELECT l.version, l.published_at, l.yanked_at, l.sha256, l.archive_size, l.id, l.status, ",
    columns::version_texts!("l"),
    ",
            l.dependencies_before, CASE WHEN l.dependencies_before < $3 THEN l.dependencies END AS dependencies
        FROM (
            SELECT o.*, COALESCE(sum(octet_length(o.dependencies)::bigint)
                OVER (ORDER BY o.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint
                AS dependencies_before
            FROM versions o
            WHERE o.package_id = p.id AND ($2::text IS NULL OR o.id < (
                SELECT b.id FROM versions b WHERE b.package_id = p.id AND b.version_key = $2)) AND ",
    version_is_listed!("o.", "$6"),
    " ORDER BY o.id DESC LIMIT $4
        ) l
    ) v ON TRUE
    WHERE p.name = $1 AND (NOT p.private OR $5) ORDER BY v.id DESC"
);
/// The number of every version.
const NUMBERS: &str = concat!(
    "SELECT v.version, v.yanked_at IS NOT NULL, v.status
    FROM packages p JOIN versions v ON v.package_id = p.id WHERE p.name = $1 AND (NOT p.private OR $2) AND ",
    version_is_numbered!("v.", "$3"),
    " ORDER BY v.id DESC"
);
const DETAIL: &str = concat!(
    "SELECT ",
    summary_columns!(),
    ", v.yanked_reason, v.archive, v.downloads,
       COALESCE(v.publisher, (SELECT u.username FROM users u WHERE u.id = v.published_by)),
       (SELECT m.document FROM manifests m WHERE m.version_id = v.id),
       ARRAY(SELECT t.tag FROM dist_tags t WHERE t.version_id = v.id ORDER BY t.tag), p.private,
       r.category, r.reason, r.at, (SELECT m.username FROM users m WHERE m.id = r.moderator), ",
    columns::version_texts!("v"),
    ", ",
    eval_results_column!(),
    " FROM packages p JOIN versions v ON v.package_id = p.id
    LEFT JOIN recalls r ON r.version_id = v.id AND r.lifted_at IS NULL
    WHERE p.name = $1 AND v.version_key = $2 AND (NOT p.private OR $3) AND ",
    version_is_in_reach!("v.", "$4")
);
const LOCATED: &str = concat!(
    "SELECT ",
    summary_columns!(),
    ", v.archive, p.private, ",
    columns::version_texts!("v"),
    of_name_and_key_in_reach!()
);
const FILES: &str =
    concat!("SELECT (SELECT c.files FROM contents c WHERE c.version_id = v.id)", of_name_and_key_in_reach!());
const README: &str =
    concat!("SELECT (SELECT c.readme FROM contents c WHERE c.version_id = v.id)", of_name_and_key_in_reach!());

/// A part of the versions of a package, newest published first.
pub(super) async fn list(
    tx: &Session,
    name: &PackageName,
    range: &VersionRange,
    reach: Reach,
) -> Tx<Option<VersionList>> {
    let [query] = tx.prepare([LIST]).await?;
    let (before, bounds) = (range.before.as_ref().map(Version::key), &range.bounds);
    let (private, every) = (reach.includes_private(), reach.includes_every_status());
    let params: Params<'_, 6> = [&name.as_str(), &before, &size_bound(bounds), &row_bound(bounds), &private, &every];
    let rows = tx.rows(&query, params).await?;
    read_list(&rows, bounds)
}

/// What [`LIST`] takes as the most bytes of dependencies.
pub(super) fn size_bound(bounds: &VersionBounds) -> i64 {
    columns::limit(bounds.dependencies)
}

/// What [`LIST`] takes as the most rows: one more tells whether there are older ones.
pub(super) fn row_bound(bounds: &VersionBounds) -> i64 {
    columns::limit(bounds.versions.saturating_add(1))
}

/// What the rows of [`LIST`] say.
pub(super) fn read_list(rows: &[Row], bounds: &VersionBounds) -> Tx<Option<VersionList>> {
    let Some(first) = rows.first() else { return Ok(None) };
    let total = sql::unsigned(first, 7)?;
    // One that has no version to list is not found.
    if total == 0 {
        return Ok(None);
    }
    let mut versions = Vec::new();
    if first.try_get::<_, Option<&str>>(0)?.is_some() {
        for row in rows.iter().take(bounds.versions) {
            if !row.try_get::<_, bool>(8)? {
                break;
            }
            versions.push(summary(row)?);
        }
        let has_older = versions.len() < rows.len();
        return Ok(Some(VersionList { versions, total, has_older }));
    }
    Ok(Some(VersionList { versions, total, has_older: false }))
}

/// The number of every version of a package, newest published first.
pub(super) async fn numbers(tx: &Session, name: &PackageName, reach: Reach) -> Tx<Option<Vec<PublishedVersion>>> {
    let [query] = tx.prepare([NUMBERS]).await?;
    let (private, every) = (reach.includes_private(), reach.includes_every_status());
    let rows = tx.rows(&query, [&name.as_str(), &private, &every]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let number = |row: &Row| {
        let status = sql::coded(row, 2, columns::version_status)?;
        Ok(PublishedVersion::new(sql::parsed(row, 0)?, row.try_get(1)?, status))
    };
    rows.iter().map(number).collect::<Tx<_>>().map(Some)
}

/// Everything about one version.
pub(super) async fn detail(
    tx: &Session,
    name: &PackageName,
    version: &Version,
    reach: Reach,
) -> Tx<Option<VersionDetail>> {
    let (name_text, key) = (name.as_str(), version.key());
    let (private, every) = (reach.includes_private(), reach.includes_every_status());
    let params: Params<'_, 4> = [&name_text, &key, &private, &every];
    sql::first(tx, DETAIL, params, |row| {
        let document: Option<&str> = row.try_get(11)?;
        let document = document.ok_or_else(|| Failure::Corrupt("a version without a manifest".into()))?;
        let dist_tags = row.try_get::<_, Vec<&str>>(12)?.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        Ok(VersionDetail {
            package: name.clone(),
            summary: summary(row)?,
            manifest: columns::manifest(document)?,
            published_by: sql::text(row, 10)?,
            yanked_reason: sql::optional_text(row, 7)?,
            archive: sql::parsed(row, 8)?,
            dist_tags,
            downloads: sql::unsigned(row, 9)?,
            visibility: Visibility::of(row.try_get(13)?),
            quarantine: quarantine(row)?,
            eval_results: evals::results(row)?,
        })
    })
    .await
}

/// What is needed of a version to choose it or to read its archive.
pub(super) async fn located(
    tx: &Session,
    name: &PackageName,
    version: &Version,
    reach: Reach,
) -> Tx<Option<LocatedVersion>> {
    let (name_text, key) = (name.as_str(), version.key());
    let (private, every) = (reach.includes_private(), reach.includes_every_status());
    let params: Params<'_, 4> = [&name_text, &key, &private, &every];
    sql::first(tx, LOCATED, params, |row| {
        let summary = summary(row)?;
        let location = ArchiveLocation {
            package: name.clone(),
            version: summary.version.clone(),
            archive: sql::parsed(row, 7)?,
            sha256: summary.sha256,
            size: summary.archive_size,
            visibility: Visibility::of(row.try_get(8)?),
            status: summary.status,
        };
        Ok(LocatedVersion { summary, location })
    })
    .await
}

/// The files of a version's archive.
pub(super) async fn files(
    tx: &Session,
    name: &PackageName,
    version: &Version,
    reach: Reach,
) -> Tx<Option<Vec<ArchiveFile>>> {
    let (name, key) = (name.as_str(), version.key());
    let (private, every) = (reach.includes_private(), reach.includes_every_status());
    let params: Params<'_, 4> = [&name, &key, &private, &every];
    sql::first(tx, FILES, params, |row| sql::coded(row, 0, columns::files)).await
}

/// The README of a version.
pub(super) async fn readme(
    tx: &Session,
    name: &PackageName,
    version: &Version,
    reach: Reach,
) -> Tx<Option<Option<String>>> {
    let (name, key) = (name.as_str(), version.key());
    let (private, every) = (reach.includes_private(), reach.includes_every_status());
    let params: Params<'_, 4> = [&name, &key, &private, &every];
    sql::first(tx, README, params, |row| sql::optional_text(row, 0)).await
}

/// The texts of a version, from the columns of [`columns::version_texts`].
pub(super) fn texts(row: &Row) -> Tx<VersionTexts> {
    VersionTexts::read(|text| sql::optional_text(row, text.key()))
}

fn summary(row: &Row) -> Tx<VersionSummary> {
    Ok(VersionSummary {
        version: sql::parsed(row, 0)?,
        published_at: sql::instant(row, 1)?,
        yanked: row.try_get::<_, Option<i64>>(2)?.is_some(),
        texts: texts(row)?,
        sha256: sql::digest(row, 3)?,
        archive_size: sql::unsigned(row, 4)?,
        dependencies: sql::coded(row, 5, columns::dependencies)?,
        status: sql::coded(row, 6, columns::version_status)?,
    })
}

/// The quarantine of a version, from the columns of [`DETAIL`].
fn quarantine(row: &Row) -> Tx<Option<Quarantine>> {
    let Some(reason) = sql::optional_text(row, 15)? else { return Ok(None) };
    let by: Option<&str> = row.try_get(17)?;
    Ok(Some(Quarantine {
        category: sql::coded(row, 14, columns::moderation_category)?,
        reason,
        at: sql::instant(row, 16)?,
        by: by.map(str::parse).transpose()?,
    }))
}
