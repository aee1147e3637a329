use std::collections::BTreeMap;

use aam_registry_core::{
    Result,
    ports::{Deprecation, OwnerChange, TagChange, Unyank, VersionStore, Yank, Yanked},
    types::{Action, Actor, DistTag, PackageName, Version},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    SqliteMetadata, access, audit,
    failure::{Failure, Tx},
    listing, owners,
    packages::{self, PackageId},
    sql, tags,
    versions::{self, VersionId},
};
use crate::relational::{refusals, tags::moved_latest};

#[async_trait]
impl VersionStore for SqliteMetadata {
    async fn yank(&self, change: &Yank) -> Result<Yanked> {
        let change = change.clone();
        self.write(move |tx| yank(tx, change)).await
    }

    async fn unyank(&self, change: &Unyank) -> Result<BTreeMap<DistTag, Version>> {
        let change = change.clone();
        self.write(move |tx| unyank(tx, &change)).await
    }

    async fn set_deprecation(&self, change: &Deprecation) -> Result<()> {
        let change = change.clone();
        self.write(move |tx| deprecate(tx, &change)).await
    }

    async fn set_tag(&self, change: &TagChange) -> Result<()> {
        let change = change.clone();
        self.write(move |tx| set_tag(tx, &change)).await
    }

    async fn remove_tag(&self, change: &TagChange) -> Result<()> {
        let change = change.clone();
        self.write(move |tx| remove_tag(tx, &change)).await
    }

    async fn add_owner(&self, change: &OwnerChange) -> Result<()> {
        let change = change.clone();
        self.write(move |tx| owners::add(tx, &change)).await
    }

    async fn remove_owner(&self, change: &OwnerChange) -> Result<()> {
        let change = change.clone();
        self.write(move |tx| owners::remove(tx, &change)).await
    }
}

/// Finds a package, requires the right to `action` on it, and only then looks for the version.
fn authorise(
    tx: &Connection,
    actor: &Actor,
    now: Timestamp,
    name: &PackageName,
    version: &Version,
    action: Action,
) -> Tx<(PackageId, VersionId)> {
    let caller = access::require_live(tx, actor, now)?;
    let package = packages::require(tx, name)?;
    caller.package_rights(tx, Some(package), name)?.require(action, name)?;
    Ok((package, versions::require(tx, package, name, version)?))
}

fn yank(tx: &Connection, change: Yank) -> Tx<Yanked> {
    let (package, id) = authorise(tx, &change.actor, change.now, &change.package, &change.version, Action::Yank)?;
    let now = packages::now_of(tx, package, change.now)?;
    let query = "SELECT version, yanked_at, yanked_reason FROM versions WHERE id = ?1";
    let (version, yanked_at, reason) =
        sql::first(tx, query, [id], |row| Ok((sql::parsed(row, 0)?, sql::optional_instant(row, 1)?, row.get(2)?)))?
            .ok_or_else(|| Failure::Corrupt("a version that is gone".into()))?;
    if let Some(yanked_at) = yanked_at {
        return Ok(Yanked { version, yanked_at, reason, moved_tags: BTreeMap::new(), removed_tags: Vec::new() });
    }
    sql::run(
        tx,
        "UPDATE versions SET yanked_at = ?2, yanked_reason = ?3 WHERE id = ?1",
        (id, now.as_microsecond(), &change.reason),
    )?;
    let removed = "DELETE FROM dist_tags WHERE version_id = ?1 AND tag <> ?2 RETURNING tag";
    let mut removed_tags: Vec<DistTag> = sql::all(tx, removed, (id, DistTag::LATEST), |row| sql::parsed(row, 0))?;
    let (before, after) = tags::recompute_latest(tx, package, change.latest_policy)?;
    if before.is_some() && after.is_none() {
        removed_tags.push(DistTag::latest());
    }
    removed_tags.sort();
    listing::touch(tx, package, change.now)?;
    audit::append(tx, &change.audit)?;
    let moved_tags = moved_latest(before, after);
    Ok(Yanked { version, yanked_at: now, reason: change.reason, moved_tags, removed_tags })
}

fn unyank(tx: &Connection, change: &Unyank) -> Tx<BTreeMap<DistTag, Version>> {
    let (package, id) = authorise(tx, &change.actor, change.now, &change.package, &change.version, Action::Yank)?;
    let unyank = "UPDATE versions SET yanked_at = NULL, yanked_reason = NULL WHERE id = ?1 AND yanked_at IS NOT NULL";
    if sql::run(tx, unyank, [id])? == 0 {
        return Ok(BTreeMap::new());
    }
    let (before, after) = tags::recompute_latest(tx, package, change.latest_policy)?;
    listing::touch(tx, package, change.now)?;
    audit::append(tx, &change.audit)?;
    Ok(moved_latest(before, after))
}

fn deprecate(tx: &Connection, change: &Deprecation) -> Tx<()> {
    let (package, id) = authorise(tx, &change.actor, change.now, &change.package, &change.version, Action::Yank)?;
    let deprecate = "UPDATE versions SET deprecated = ?2 WHERE id = ?1 AND deprecated IS NOT ?2";
    if sql::run(tx, deprecate, (id, &change.message))? == 0 {
        return Ok(());
    }
    listing::touch(tx, package, change.now)?;
    audit::append(tx, &change.audit)
}

fn set_tag(tx: &Connection, change: &TagChange) -> Tx<()> {
    let version = change.version.as_ref().ok_or_else(refusals::no_version_to_tag)?;
    let (package, id) = authorise(tx, &change.actor, change.now, &change.package, version, Action::Tag)?;
    if sql::exists(tx, "SELECT 1 FROM versions WHERE id = ?1 AND yanked_at IS NOT NULL", [id])? {
        return Err(refusals::yanked_gets_no_tag(&change.package, version).into());
    }
    let changed = if change.tag.is_latest() {
        tags::set_latest(tx, package, version)?
    } else {
        tags::set(tx, package, &change.tag, id)?
    };
    if !changed {
        return Ok(());
    }
    listing::touch(tx, package, change.now)?;
    audit::append(tx, &change.audit)
}

fn remove_tag(tx: &Connection, change: &TagChange) -> Tx<()> {
    let name = &change.package;
    let caller = access::require_live(tx, &change.actor, change.now)?;
    let package = packages::require(tx, name)?;
    caller.package_rights(tx, Some(package), name)?.require(Action::Tag, name)?;
    if change.tag.is_latest() {
        return Err(refusals::latest_stays().into());
    }
    if !tags::remove(tx, package, &change.tag)? {
        return Err(refusals::no_such_tag(change).into());
    }
    listing::touch(tx, package, change.now)?;
    audit::append(tx, &change.audit)
}
