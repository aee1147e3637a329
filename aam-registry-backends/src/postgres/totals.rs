//! Folding what was only counted into the totals that metadata shows.

use std::collections::HashSet;

use aam_registry_core::Result;
use futures_util::try_join;

use super::{
    PostgresMetadata, changes_feed,
    connection::Session,
    failure::Tx,
    ids::{PackageId, VersionId},
    listing::changed,
    sql,
};
use crate::relational::downloads::BATCH_REMEMBERED;

/// How many versions one transaction brings up to date: few enough that
/// nobody waits long for the packages it locks.
const CHUNK: i64 = 500;

/// The advisory lock of whoever refreshes: the bytes of `aam-totl`.
const REFRESHING: i64 = 0x6161_6d2d_746f_746c;

/// The first of an order is found in the index, whatever space deleted counts left before it.
const ANY: &str = "SELECT 1 WHERE (SELECT version_id FROM pending_downloads ORDER BY version_id LIMIT 1) IS NOT NULL
    OR EXISTS (SELECT 1 FROM pending_totals)";
const LOCK: &str = "SELECT pg_try_advisory_xact_lock($1)";
const FOLD: &str = "WITH folded AS (DELETE FROM pending_totals RETURNING packages, versions, users, storage_bytes
    ), total AS (
        SELECT COALESCE(sum(packages), 0) AS packages, COALESCE(sum(versions), 0) AS versions,
            COALESCE(sum(users), 0) AS users, COALESCE(sum(storage_bytes), 0) AS storage_bytes FROM folded
    )
    UPDATE registry_totals r SET packages = r.packages + t.packages, versions = r.versions + t.versions,
        users = r.users + t.users, storage_bytes = r.storage_bytes + t.storage_bytes FROM total t";
/// By the time of those who gather, whatever the clock of this machine says.
const FORGET_BATCHES: &str = "DELETE FROM download_batches
    WHERE gathered_at < (SELECT max(gathered_at) FROM download_batches) - $1::bigint";
const CHOOSE: &str = "SELECT v.id, v.package_id FROM (
        SELECT version_id FROM pending_downloads ORDER BY version_id LIMIT $1
    ) p JOIN versions v ON v.id = p.version_id";
/// A package that is being changed waits for the next time: nobody is to wait for it here.
const LOCK_PACKAGES: &str = "SELECT id FROM packages WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED";
const LOCK_COUNTS: &str = "SELECT 1 FROM pending_downloads WHERE version_id = ANY ($1) ORDER BY version_id FOR UPDATE";
/// Gives the packages whose downloads grew.
const REFRESH: &str = "WITH counted AS (
        DELETE FROM pending_downloads WHERE version_id = ANY ($1) RETURNING version_id, downloads
    ), version AS (
        UPDATE versions v SET downloads = v.downloads + c.downloads FROM counted c WHERE v.id = c.version_id
        RETURNING v.package_id, c.downloads
    ), package AS (SELECT package_id, sum(downloads)::bigint AS downloads FROM version GROUP BY package_id
    ), total AS (UPDATE registry_totals SET downloads = downloads + (SELECT COALESCE(sum(downloads), 0) FROM counted)
    )
    UPDATE packages p SET downloads = p.downloads + n.downloads FROM package n WHERE p.id = n.package_id
    RETURNING p.id, p.name, p.downloads";
const RELIST: &str = concat!(
    "UPDATE listings l SET downloads = p.downloads, ",
    changed!(),
    " FROM unnest($1::bigint[], $2::bigint[]) p (id, downloads) WHERE l.package_id = p.id"
);
const TELL: &str = "SELECT pg_notify($1, told) FROM unnest($2::text[]) told";

/// Brings the totals up to date, unless somebody else is about it.
pub(super) async fn refresh(store: &PostgresMetadata) -> Result<()> {
    let any = store.read(|tx| async move { sql::exists(&tx, ANY, []).await }).await?;
    if !any || !store.write(|tx| async move { fold(&tx).await }).await? {
        return Ok(());
    }
    while store.write(|tx| async move { refresh_chunk(&tx).await }).await? {}
    Ok(())
}

/// Whether nobody else refreshes; nobody will before the end of the transaction.
async fn is_alone(tx: &Session) -> Tx<bool> {
    let alone = sql::first(tx, LOCK, [&REFRESHING], |row| Ok(row.try_get::<_, bool>(0)?)).await?;
    Ok(alone == Some(true))
}

/// Folds the sizes of the registry; whether nobody else refreshes.
async fn fold(tx: &Session) -> Tx<bool> {
    if !is_alone(tx).await? {
        return Ok(false);
    }
    let remembered = i64::try_from(BATCH_REMEMBERED.as_micros()).unwrap_or(i64::MAX);
    let [fold, forget] = tx.prepare([FOLD, FORGET_BATCHES]).await?;
    try_join!(tx.execute(&fold, []), tx.execute(&forget, [&remembered]))?;
    Ok(true)
}

/// Brings some versions up to date; whether there may be more.
async fn refresh_chunk(tx: &Session) -> Tx<bool> {
    if !is_alone(tx).await? {
        return Ok(false);
    }
    let [lock_packages, lock_counts, refresh, relist, tell] =
        tx.prepare([LOCK_PACKAGES, LOCK_COUNTS, REFRESH, RELIST, TELL]).await?;
    let chosen: Vec<(VersionId, PackageId)> =
        sql::all(tx, CHOOSE, [&CHUNK], |row| Ok((row.try_get(0)?, row.try_get(1)?))).await?;
    let packages: Vec<_> = chosen.iter().map(|(_, package)| *package).collect();
    let locked = tx.rows(&lock_packages, [&packages]).await?;
    let locked = locked.iter().map(|row| row.try_get(0)).collect::<Result<HashSet<PackageId>, _>>()?;
    let versions: Vec<_> =
        chosen.into_iter().filter(|(_, package)| locked.contains(package)).map(|(version, _)| version).collect();
    let (_, refreshed) = try_join!(tx.rows(&lock_counts, [&versions]), tx.rows(&refresh, [&versions]))?;
    let (mut ids, mut downloads, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for row in &refreshed {
        ids.push(row.try_get::<_, PackageId>(0)?);
        told.extend(changes_feed::payload(&aam_registry_core::types::Change::Package(sql::parsed(row, 1)?)));
        downloads.push(row.try_get::<_, i64>(2)?);
    }
    try_join!(tx.execute(&relist, [&ids, &downloads]), tx.rows(&tell, [&changes_feed::CHANNEL, &told]))?;
    Ok(versions.len() == usize::try_from(CHUNK).unwrap_or(usize::MAX))
}
