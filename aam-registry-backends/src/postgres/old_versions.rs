use aam_registry_core::{
    decide::{OldVersionsFacts, VersionUse},
    types::{PackageName, Sha256Digest, Version},
};
use jiff::{Timestamp, tz::TimeZone};
use tokio_postgres::Row;

use super::{connection::Session, facts, failure::Tx, ids::PackageId, sql};
use crate::relational::{columns, predicates::has_open_version};

const NAMES: &str = "SELECT name FROM packages WHERE name > $1 AND created_at < $2 ORDER BY name LIMIT $3";
const DIGESTS: &str = "SELECT v.version, v.sha256 FROM packages p JOIN versions v ON v.package_id = p.id
    WHERE p.name = $1 ORDER BY v.id";
macro_rules! package {
    ($lock:literal) => {
        concat!(
            "SELECT p.id, p.updated_at, p.private, p.trusted_only, ",
            has_open_version!("p."),
            " FROM packages p WHERE p.name = $1",
            $lock
        )
    };
}
const PACKAGE: &str = package!("");
const LOCKED_PACKAGE: &str = package!(" FOR NO KEY UPDATE");
const VERSIONS: &str = "SELECT v.version, v.published_at, v.published_by, v.status, v.archive, v.archive_size,
        EXISTS (SELECT 1 FROM dist_tags t WHERE t.version_id = v.id),
        EXISTS (SELECT 1 FROM download_days d WHERE d.version_id = v.id AND d.day >= DATE '1970-01-01' + $2::int)
    FROM versions v WHERE v.package_id = $1 AND v.status NOT LIKE '%removed' ORDER BY v.id";
const DEMANDS: &str = "SELECT DISTINCT d.requirement FROM version_dependencies d JOIN versions v ON v.id = d.version_id
    WHERE d.name = $1 AND v.package_id <> $2 AND v.status NOT LIKE '%removed'";
/// Lists the dependencies of versions that a server of an older release published.
const LIST_LATE: &str = "WITH late AS (
        UPDATE versions SET dependencies_listed = TRUE WHERE id IN (
            SELECT id FROM versions WHERE NOT dependencies_listed ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
        ) RETURNING id, dependencies
    ), listed AS (
        INSERT INTO version_dependencies (name, version_id, requirement)
        SELECT d.key, l.id, d.value FROM late l, json_each_text(l.dependencies::json) d ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM late";

/// Every version of a package and the digest of its archive.
pub(super) async fn digests_of(tx: &Session, name: &PackageName) -> Tx<Vec<(Version, Sha256Digest)>> {
    sql::all(tx, DIGESTS, [&name.as_str()], |row| Ok((sql::parsed(row, 0)?, sql::digest(row, 1)?))).await
}

/// The names of packages that were made before that, in their order.
pub(super) async fn packages_made_before(
    tx: &Session,
    before: Timestamp,
    after: Option<&PackageName>,
    limit: usize,
) -> Tx<Vec<PackageName>> {
    let after = after.map_or("", PackageName::as_str);
    sql::all(tx, NAMES, [&after, &before.as_microsecond(), &columns::limit(limit)], |row| sql::parsed(row, 0)).await
}

/// What the removal of old versions of a package is decided by, read alone.
pub(super) async fn seen_facts(tx: &Session, name: &PackageName, before: Timestamp) -> Tx<OldVersionsFacts> {
    read_facts(tx, PACKAGE, name, before).await
}

/// The same, under the lock of the package.
pub(super) async fn locked_facts(tx: &Session, name: &PackageName, before: Timestamp) -> Tx<OldVersionsFacts> {
    while sql::first(tx, LIST_LATE, [], |row| sql::unsigned(row, 0)).await?.is_some_and(|listed| listed > 0) {}
    read_facts(tx, LOCKED_PACKAGE, name, before).await
}

async fn read_facts(
    tx: &Session,
    package: &'static str,
    name: &PackageName,
    before: Timestamp,
) -> Tx<OldVersionsFacts> {
    let found = sql::first(tx, package, [&name.as_str()], |row| {
        Ok((row.try_get::<_, PackageId>(0)?, facts::package_state(row, 1)?))
    })
    .await?;
    let Some((id, package)) = found else { return Ok(OldVersionsFacts::default()) };
    let day = sql::day_number(before.to_zoned(TimeZone::UTC).date());
    let versions = sql::all(tx, VERSIONS, [&id, &day], version_use).await?;
    let demands = sql::all(tx, DEMANDS, [&name.as_str(), &id], |row| sql::parsed(row, 0)).await?;
    Ok(OldVersionsFacts { package: Some(package), versions, demands })
}

fn version_use(row: &Row) -> Tx<VersionUse> {
    Ok(VersionUse {
        version: sql::parsed(row, 0)?,
        published_at: sql::instant(row, 1)?,
        published_by: sql::id(row, 2)?,
        status: sql::coded(row, 3, columns::version_status)?,
        archive: sql::parsed(row, 4)?,
        archive_size: sql::unsigned(row, 5)?,
        is_tagged: row.try_get(6)?,
        is_downloaded: row.try_get(7)?,
    })
}
