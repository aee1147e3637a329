//! Search over what is listed.
//!
//! Every change of a row of `listings` notes the transaction that made it. A
//! snapshot tells the oldest transaction that may still commit: whoever has
//! read what transactions from there on did has seen all. The numbers mean
//! something to one server until it is started anew; for another the index is
//! made anew.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use aam_registry_core::types::{PackageSummary, Page, SearchQuery};
use tokio_postgres::Row;

use super::{connection::Session, failure::Tx, packages::PackageId, sql};
use crate::relational::{
    listing::types_of_bits,
    search::{Found, Listed, Listing, SearchIndex},
};

/// How many packages are read at a time where all are.
const BATCH: i64 = 5_000;

/// What [`listing`] reads.
macro_rules! of_listing {
    () => {
        "l.package_id, l.revision, l.latest_version IS NOT NULL, l.name, l.description, l.author, l.keywords,
        l.artifacts, l.artifact_types, l.downloads, l.updated_at"
    };
}

/// Which server this is, and since when; up to which transaction all are over.
macro_rules! of_server {
    () => {
        "pg_postmaster_start_time()::text AS server, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon"
    };
}

const SERVER: &str = concat!("SELECT ", of_server!());
const ALL: &str =
    concat!("SELECT ", of_listing!(), " FROM listings l WHERE l.package_id > $1 ORDER BY l.package_id LIMIT $2");
/// What a transaction that is yet to come left behind was restored from
/// another server, and read with all the rest.
const CHANGED: &str = concat!(
    "SELECT s.server, s.horizon, ",
    of_listing!(),
    " FROM (SELECT ",
    of_server!(),
    ", pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) s
    LEFT JOIN listings l ON l.changed_by >= $1 AND l.changed_by < s.next"
);
const SUMMARIES: &str = "SELECT package_id, name, description, author, latest_version, keywords, artifact_types,
    downloads, updated_at FROM listings WHERE package_id = ANY ($1) AND latest_version IS NOT NULL";

/// What is searched.
#[derive(Debug, Default)]
pub(super) struct Searches {
    indexed: Mutex<Option<Indexed>>,
    /// Held by the search that makes the index.
    making: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Indexed {
    read: Read,
    index: SearchIndex,
}

/// How far a server was read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    server: String,
    horizon: i64,
}

/// Searches; see [`PackageStore::search`](aam_registry_core::ports::PackageStore::search).
pub(super) async fn search(tx: &Session, searches: &Searches, query: &SearchQuery) -> Tx<Page<PackageSummary>> {
    let found = searches.search(tx, query).await?;
    let mut summaries: HashMap<PackageId, PackageSummary> =
        sql::all(tx, SUMMARIES, [&found.packages], |row| Ok((row.try_get(0)?, summary(row)?))).await?;
    let items = found.packages.iter().filter_map(|package| summaries.remove(package)).collect();
    Ok(Page { items, total: found.total, request: query.page })
}

impl Searches {
    async fn search(&self, tx: &Session, query: &SearchQuery) -> Tx<Found> {
        loop {
            let known = self.indexed().as_ref().map(|indexed| indexed.read.clone());
            let Some(known) = known else {
                self.make(tx).await?;
                continue;
            };
            let [changed] = tx.prepare([CHANGED]).await?;
            let rows = tx.rows(&changed, [&known.horizon]).await?;
            let now = rows.first().map(Read::of).transpose()?;
            let mut indexed = self.indexed();
            let same = indexed.as_mut().filter(|indexed| indexed.read.server == known.server);
            match (same, now) {
                (Some(indexed), Some(now)) if now.server == known.server && now.horizon >= known.horizon => {
                    // Others may have read more meanwhile: what they took over stays.
                    indexed.read.horizon = indexed.read.horizon.max(now.horizon);
                    let changed =
                        rows.iter().filter(|row| row.try_get::<_, Option<i64>>(2).is_ok_and(|id| id.is_some()));
                    indexed.index.update(changed.map(|row| listing(row, 2)))?;
                    return Ok(indexed.index.search(query));
                }
                (Some(_), _) => *indexed = None,
                // Somebody else found it out.
                (None, _) => {}
            }
        }
    }

    /// Makes the index, unless somebody else has by now.
    async fn make(&self, tx: &Session) -> Tx<()> {
        let _alone = self.making.lock().await;
        if self.indexed().is_some() {
            return Ok(());
        }
        let [server, all] = tx.prepare([SERVER, ALL]).await?;
        let Some(read) = tx.rows(&server, []).await?.first().map(Read::of).transpose()? else { return Ok(()) };
        let (mut index, mut last): (_, PackageId) = (SearchIndex::default(), 0);
        loop {
            let rows = tx.rows(&all, [&last, &BATCH]).await?;
            index.update(rows.iter().map(|row| listing(row, 0)))?;
            let Some(row) = rows.last() else { break };
            last = row.try_get(0)?;
        }
        *self.indexed() = Some(Indexed { read, index });
        Ok(())
    }

    fn indexed(&self) -> MutexGuard<'_, Option<Indexed>> {
        self.indexed.lock().unwrap_or_else(|poisoned| {
            self.indexed.clear_poison();
            let mut indexed = poisoned.into_inner();
            *indexed = None;
            indexed
        })
    }
}

impl Read {
    fn of(row: &Row) -> Tx<Self> {
        Ok(Self { server: row.try_get(0)?, horizon: row.try_get(1)? })
    }
}

/// What is listed, from columns that start at `at`.
fn listing(row: &Row, at: usize) -> Tx<Listing> {
    let is_listed: bool = row.try_get(at + 2)?;
    let listed = is_listed.then(|| listed(row, at + 3)).transpose()?;
    Ok(Listing { package: row.try_get(at)?, revision: row.try_get(at + 1)?, listed })
}

fn listed(row: &Row, at: usize) -> Tx<Listed> {
    Ok(Listed {
        name: row.try_get(at)?,
        description: sql::text(row, at + 1)?,
        author: sql::optional_text(row, at + 2)?,
        keywords: sql::coded(row, at + 3, |text| Ok(serde_json::from_str(text)?))?,
        artifacts: sql::text(row, at + 4)?,
        artifact_types: types(row, at + 5)?,
        downloads: sql::unsigned(row, at + 6)?,
        updated_at: row.try_get(at + 7)?,
    })
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
