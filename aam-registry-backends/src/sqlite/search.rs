//! Search over what is listed.

use std::collections::HashMap;

use aam_registry_core::types::{PackageName, PackageSummary, Page, SearchQuery, Version};
use rusqlite::{Connection, Row, types::ValueRef};

use super::{failure::Tx, ids::PackageId, sql};
use crate::relational::{
    listing::types_of_bits,
    search::{Listed, Listing, SearchIndex},
};

/// What was listed, changed or unlisted behind some change, in that order.
const CHANGED: &str = "SELECT package_id, change, latest_version, name, description, author, keywords,
    artifacts, artifact_types, downloads, updated_at, private FROM listings WHERE change > ?1 ORDER BY change";
const SUMMARIES: &str = "SELECT package_id, name, description, author, latest_version, keywords, artifact_types,
    downloads, updated_at FROM listings
    WHERE package_id IN (SELECT value FROM json_each(?1)) AND latest_version IS NOT NULL";

/// Searches; see [`PackageStore::search`](aam_registry_core::ports::PackageStore::search).
pub(super) fn search(tx: &Connection, index: &mut SearchIndex, query: &SearchQuery) -> Tx<Page<PackageSummary>> {
    let newest = index.newest();
    index.update(tx.prepare_cached(CHANGED)?.query_and_then([newest], listing)?)?;
    let found = index.search(query);
    let ids = serde_json::to_string(&found.packages)?;
    let mut summaries: HashMap<PackageId, PackageSummary> =
        sql::all(tx, SUMMARIES, [ids], |row| Ok((row.get(0)?, summary(row)?)))?;
    let items = found.packages.iter().filter_map(|package| summaries.remove(package)).collect();
    Ok(Page { items, total: found.total, request: query.page })
}

fn listing(row: &Row<'_>) -> Tx<Listing> {
    let (package, revision) = (row.get(0)?, row.get(1)?);
    let listed = listed(row).unwrap_or_else(|_| {
        // What it says may hold what no log should.
        tracing::error!(event = "listing_unreadable", package, "a listed package cannot be read; no search finds it");
        None
    });
    Ok(Listing { package, revision, listed })
}

fn listed(row: &Row<'_>) -> Tx<Option<Listed>> {
    if row.get_ref(2)? == ValueRef::Null {
        return Ok(None);
    }
    // What is found can be shown.
    let _: Version = sql::parsed(row, 2)?;
    let name: PackageName = sql::parsed(row, 3)?;
    let updated_at = sql::instant(row, 10)?;
    Ok(Some(Listed {
        name: name.to_string(),
        description: row.get(4)?,
        author: row.get(5)?,
        keywords: sql::coded(row, 6, |text| Ok(serde_json::from_str(text)?))?,
        artifacts: row.get(7)?,
        artifact_types: row.get(8)?,
        downloads: sql::unsigned(row, 9)?,
        updated_at: updated_at.as_microsecond(),
        private: row.get(11)?,
    }))
}

fn summary(row: &Row<'_>) -> Tx<PackageSummary> {
    Ok(PackageSummary {
        name: sql::parsed(row, 1)?,
        description: row.get(2)?,
        author: row.get(3)?,
        latest_version: sql::parsed(row, 4)?,
        keywords: sql::coded(row, 5, |text| Ok(serde_json::from_str(text)?))?,
        artifact_types: types_of_bits(row.get(6)?),
        downloads: sql::unsigned(row, 7)?,
        updated_at: sql::instant(row, 8)?,
    })
}
