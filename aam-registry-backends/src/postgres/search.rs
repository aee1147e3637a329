//! Searches for packages.
//!
//! Every change of a row of `listings` records the transaction that made it in `changed_by`. A search
//! reads the rows that changed since the index last had everything, adds them to the index, and then
//! searches in it.
//!
//! A snapshot names the oldest transaction that has not finished, its horizon: whoever has read the
//! changes of all transactions before it need not read them again. If one transaction stays open for
//! long, the horizon stays where it is, and every search would read all later changes again. So the
//! snapshot of the last search is kept too, and the changes that it showed are left out. A replica's
//! snapshot does not say which transactions were unfinished, so this works only on a primary.
//!
//! A primary and its replicas number transactions alike. That ends when one of them is promoted or
//! restarted, because it may then lack changes that the index has. So an index is used only with servers
//! that had everything when it was built or updated; for any other server it is built again. The same is
//! done if the table is stored in another file, which is so after a restore.

use std::{collections::HashMap, iter};

use aam_registry_core::{
    Error,
    types::{PackageName, PackageSummary, Page, SearchQuery, Version},
};
use tokio::{sync::mpsc, task};
use tokio_postgres::Row;

use super::{
    connection::Session,
    failure::{Failure, Tx},
    identity::{ServerIdentity, of_server},
    ids::PackageId,
    search_index::{SearchIndexes, Searched, Snapshot},
    sql,
};
use crate::relational::{
    listing::types_of_bits,
    search::{Found, Listed, Listing, SearchIndex},
};

/// How many packages are read at a time when an index is built.
const BATCH: i64 = 1_000;

/// What [`listing`] reads.
macro_rules! of_listing {
    () => {
        "l.package_id, l.revision, l.latest_version, l.name, l.description, l.author, l.keywords,
        l.artifacts, l.artifact_types, l.downloads, l.updated_at, l.private"
    };
}

/// What [`Snapshot::of`] reads.
macro_rules! of_snapshot {
    () => {
        concat!(
            of_server!(),
            ", CASE WHEN NOT pg_is_in_recovery() THEN pg_current_snapshot()::text END AS seen,
            pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon"
        )
    };
}

const SNAPSHOT: &str = concat!("SELECT ", of_snapshot!());
const ALL: &str =
    concat!("SELECT ", of_listing!(), " FROM listings l WHERE l.package_id > $1 ORDER BY l.package_id LIMIT $2");
/// The listings that transactions from `$1` on changed, except those that the snapshot `$2` showed.
///
/// A row whose `changed_by` is a transaction that has not begun yet was restored from another server. It
/// is left out: it was read when the index was built.
const CHANGED: &str = concat!(
    "SELECT s.file, s.started, s.is_replica, s.seen, s.horizon, ",
    of_listing!(),
    " FROM (SELECT ",
    of_snapshot!(),
    ") s LEFT JOIN listings l ON l.changed_by >= $1
        AND l.changed_by < (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
        AND pg_visible_in_snapshot(
            l.changed_by::text::xid8,
            (SELECT CASE WHEN NOT pg_is_in_recovery() THEN $2::text::pg_snapshot END)
        ) IS NOT TRUE"
);
const SUMMARIES: &str = "SELECT package_id, name, description, author, latest_version, keywords, artifact_types,
    downloads, updated_at FROM listings WHERE package_id = ANY ($1) AND latest_version IS NOT NULL";

/// The answer to a search.
pub(super) struct Answer {
    pub(super) page: Page<PackageSummary>,
    /// Whether the snapshot shows every package that was found. If not, another search has added a later
    /// change to the index.
    pub(super) is_whole: bool,
}

/// Searches; see [`PackageStore::search`](aam_registry_core::ports::PackageStore::search).
/// `None` if an index has to be built first.
pub(super) async fn search(tx: &Session, indexes: &SearchIndexes, query: &SearchQuery) -> Tx<Option<Answer>> {
    let Some(found) = find(tx, indexes, query).await? else { return Ok(None) };
    let mut summaries: HashMap<PackageId, PackageSummary> =
        sql::all(tx, SUMMARIES, [&found.packages], |row| Ok((row.try_get(0)?, summary(row)?))).await?;
    let is_whole = summaries.len() == found.packages.len();
    let items = found.packages.iter().filter_map(|package| summaries.remove(package)).collect();
    let page = Page { items, total: found.total, request: query.page };
    Ok(Some(Answer { page, is_whole }))
}

async fn find(tx: &Session, indexes: &SearchIndexes, query: &SearchQuery) -> Tx<Option<Found>> {
    while let Some(basis) = indexes.basis() {
        let [query_changed] = tx.prepare([CHANGED]).await?;
        let rows = tx.rows(&query_changed, [&basis.horizon, &basis.seen]).await?;
        let Some(snapshot) = rows.first().map(Snapshot::of).transpose()? else { return Ok(None) };
        let changed = move |is_known: &dyn Fn(PackageId, i64) -> bool| changed(&rows, is_known);
        match indexes.search(&basis, snapshot, changed, query.clone()).await? {
            Searched::Found(found) => return Ok(Some(found)),
            Searched::Replaced => {}
            Searched::Unusable => return Ok(None),
        }
    }
    Ok(None)
}

/// What the rows of [`CHANGED`] say of packages that are not known in that revision.
fn changed(rows: &[Row], is_known: &dyn Fn(PackageId, i64) -> bool) -> Tx<Vec<Listing>> {
    let mut changed = Vec::new();
    for row in rows {
        let (package, revision): (Option<PackageId>, Option<i64>) = (row.try_get(5)?, row.try_get(6)?);
        if package.zip(revision).is_some_and(|(package, revision)| !is_known(package, revision)) {
            changed.push(listing(row, 5)?);
        }
    }
    Ok(changed)
}

/// Builds an index of all that one snapshot shows.
pub(super) async fn build(tx: &Session, indexes: &SearchIndexes) -> Tx<()> {
    let [server, all] = tx.prepare([SNAPSHOT, ALL]).await?;
    let snapshot = tx.rows(&server, []).await?.first().map(Snapshot::of).transpose()?;
    let Some(snapshot) = snapshot else { return Ok(()) };
    let (batches, mut read) = mpsc::channel::<Vec<Row>>(1);
    let building = task::spawn_blocking(move || {
        let mut index = SearchIndex::default();
        let rows = iter::from_fn(|| read.blocking_recv()).flatten();
        index.update(rows.map(|row| listing(&row, 0)))?;
        Ok::<_, Failure>(index)
    });
    let mut last: PackageId = 0;
    loop {
        let rows = tx.rows(&all, [&last, &BATCH]).await?;
        let Some(row) = rows.last() else { break };
        last = row.try_get(0)?;
        if batches.send(rows).await.is_err() {
            break;
        }
    }
    drop(batches);
    let index = building.await.map_err(|_| Error::internal("the index of searches was not built"))??;
    indexes.replace(index, snapshot);
    Ok(())
}

impl Snapshot {
    fn of(row: &Row) -> Tx<Self> {
        Ok(Self { server: ServerIdentity::of(row)?, seen: row.try_get(3)?, horizon: row.try_get(4)? })
    }
}

/// A package's listing, from columns that start at `at`.
fn listing(row: &Row, at: usize) -> Tx<Listing> {
    let (package, revision) = (row.try_get(at)?, row.try_get(at + 1)?);
    let listed = listed(row, at + 2).unwrap_or_else(|_| {
        // The error is not logged, since its text may contain what the row says.
        tracing::error!(event = "listing_unreadable", package, "a listed package cannot be read; no search finds it");
        None
    });
    Ok(Listing { package, revision, listed })
}

fn listed(row: &Row, at: usize) -> Tx<Option<Listed>> {
    if row.try_get::<_, Option<&str>>(at)?.is_none() {
        return Ok(None);
    }
    // Only a package whose version can be shown may be found.
    let _: Version = sql::parsed(row, at)?;
    let name: PackageName = sql::parsed(row, at + 1)?;
    let updated_at = sql::instant(row, at + 8)?;
    Ok(Some(Listed {
        name: name.to_string(),
        description: sql::text(row, at + 2)?,
        author: sql::optional_text(row, at + 3)?,
        keywords: sql::coded(row, at + 4, |text| Ok(serde_json::from_str(text)?))?,
        artifacts: sql::text(row, at + 5)?,
        artifact_types: types(row, at + 6)?,
        downloads: sql::unsigned(row, at + 7)?,
        updated_at: updated_at.as_microsecond(),
        private: row.try_get(at + 9)?,
    }))
}

fn summary(row: &Row) -> Tx<PackageSummary> {
    Ok(PackageSummary {
        name: sql::parsed(row, 1)?,
        description: sql::text(row, 2)?,
        author: sql::optional_text(row, 3)?,
        latest_version: sql::parsed(row, 4)?,
        keywords: sql::coded(row, 5, |text| Ok(serde_json::from_str(text)?))?,
        artifact_types: types_of_bits(types(row, 6)?),
        downloads: sql::unsigned(row, 7)?,
        updated_at: sql::instant(row, 8)?,
    })
}

fn types(row: &Row, column: usize) -> Tx<u8> {
    Ok(u8::try_from(row.try_get::<_, i16>(column)?).unwrap_or_default())
}
