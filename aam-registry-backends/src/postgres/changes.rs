use std::collections::BTreeMap;

use aam_registry_core::{
    Error, Result,
    ports::{Change, Deprecation, OwnerChange, TagChange, Unyank, VersionStore, Yank, Yanked},
    types::{Action, Actor, DistTag, LatestPolicy, LatestTag, NewAuditEntry, PackageName, PublishedVersion, Version},
};
use async_trait::async_trait;
use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::{
    PostgresMetadata,
    access::{Access, Locked, PackageAccess},
    admission::Rows,
    audit::Append,
    connection::{Prepared, Session},
    failure::Tx,
    listing::{self, Listing},
    owners, sql,
    tags::{Choice, Tags},
    versions::{VersionId, of_name_and_key},
};
use crate::relational::{refusals, tags::moved_latest};

const VERSION: &str = concat!("SELECT v.id, v.version, v.yanked_at, v.yanked_reason, v.deprecated", of_name_and_key!());
const YANK: &str = "UPDATE versions SET yanked_at = $2, yanked_reason = $3 WHERE id = $1";
const DEPRECATE: &str = "UPDATE versions SET deprecated = $2 WHERE id = $1";

#[async_trait]
impl VersionStore for PostgresMetadata {
    async fn yank(&self, change: &Yank) -> Result<Yanked> {
        let rows = Rows::of(&change.actor).and_package(&change.package);
        self.change(rows, |tx| async move { yank(&tx, change).await }).await
    }

    async fn unyank(&self, change: &Unyank) -> Result<BTreeMap<DistTag, Version>> {
        let rows = Rows::of(&change.actor).and_package(&change.package);
        self.change(rows, |tx| async move { unyank(&tx, change).await }).await
    }

    async fn set_deprecation(&self, change: &Deprecation) -> Result<()> {
        let rows = Rows::of(&change.actor).and_package(&change.package);
        self.change(rows, |tx| async move { deprecate(&tx, change).await }).await
    }

    async fn set_tag(&self, change: &TagChange) -> Result<()> {
        let rows = Rows::of(&change.actor).and_package(&change.package);
        self.change(rows, |tx| async move { set_tag(&tx, change).await }).await
    }

    async fn remove_tag(&self, change: &TagChange) -> Result<()> {
        let rows = Rows::of(&change.actor).and_package(&change.package);
        self.change(rows, |tx| async move { remove_tag(&tx, change).await }).await
    }

    async fn add_owner(&self, change: &OwnerChange) -> Result<()> {
        let rows = Rows::of(&change.actor).and_package(&change.package);
        self.change(rows, |tx| async move { owners::add(&tx, change).await }).await
    }

    async fn remove_owner(&self, change: &OwnerChange) -> Result<()> {
        let rows = Rows::of(&change.actor).and_package(&change.package);
        self.change(rows, |tx| async move { owners::remove(&tx, change).await }).await
    }
}

/// The statements of a change to a package.
struct Changing {
    access: PackageAccess,
    tags: Tags,
    listing: Listing,
    append: Append,
    find: Prepared,
    yank: Prepared,
    deprecate: Prepared,
}

/// A version that somebody wants to change.
struct Wanted<'a> {
    actor: &'a Actor,
    now: Timestamp,
    package: &'a PackageName,
    version: &'a Version,
    /// What the actor must have the right to.
    action: Action,
}

/// A version that is there, and what the caller is to its package.
struct Found {
    package: Locked,
    id: VersionId,
    version: Version,
    yanked_at: Option<Timestamp>,
    yanked_reason: Option<String>,
    deprecated: Option<String>,
}

impl Changing {
    async fn prepare(tx: &Session) -> Tx<Self> {
        let [find, yank, deprecate] = tx.prepare([VERSION, YANK, DEPRECATE]).await?;
        Ok(Self {
            access: PackageAccess::prepare(tx).await?,
            tags: Tags::prepare(tx).await?,
            listing: Listing::prepare(tx).await?,
            append: Append::prepare(tx).await?,
            find,
            yank,
            deprecate,
        })
    }

    /// Finds a version, and requires the right to change it.
    async fn find(&self, tx: &Session, wanted: &Wanted<'_>) -> Tx<Found> {
        let (name, key) = (wanted.package.as_str(), wanted.version.key());
        let (access, rows) = try_join!(
            self.access.take(tx, wanted.actor, wanted.package, wanted.now),
            tx.rows(&self.find, [&name, &key]),
        )?;
        found(&access, rows.first(), wanted)
    }

    /// As [`find`](Self::find), with what `latest` is chosen from, which is
    /// read under the same lock.
    async fn find_to_choose(&self, tx: &Session, wanted: &Wanted<'_>) -> Tx<(Found, Choice)> {
        try_join!(self.find(tx, wanted), self.tags.choice(tx, wanted.package))
    }

    /// Makes `latest` what it has become, and lists what it names now.
    async fn move_latest(
        &self,
        tx: &Session,
        package: Locked,
        name: &PackageName,
        (before, after): (Option<&LatestTag>, Option<&LatestTag>),
        now: Timestamp,
    ) -> Tx<()> {
        if before == after {
            return Ok(());
        }
        let moved = before.map(|tag| &tag.version) != after.map(|tag| &tag.version);
        match after {
            Some(after) if moved => {
                let manifest = listing::manifest(tx, name, &after.version).await?;
                let list = self.listing.list(tx, &manifest, package.downloads, now);
                try_join!(self.tags.put_latest(tx, name, Some(after)), list)?;
            }
            Some(after) => {
                self.tags.put_latest(tx, name, Some(after)).await?;
            }
            None => {
                try_join!(self.tags.put_latest(tx, name, None), self.listing.unlist(tx, name))?;
            }
        }
        Ok(())
    }

    /// Notes that a package changed, and tells of it.
    async fn note(&self, tx: &Session, name: &PackageName, audit: &NewAuditEntry, now: Timestamp) -> Tx<()> {
        let told = self.append.run(tx, audit, Some(Change::Package(name.clone())));
        try_join!(self.listing.touch(tx, name, now), told)?;
        Ok(())
    }
}

fn found(access: &Access, row: Option<&Row>, wanted: &Wanted<'_>) -> Tx<Found> {
    let package = access.require_package(wanted.package)?;
    access.require(wanted.action, wanted.package)?;
    let row = row.ok_or_else(|| Error::version_not_found(wanted.package, wanted.version))?;
    Ok(Found {
        package,
        id: row.try_get(0)?,
        version: sql::parsed(row, 1)?,
        yanked_at: sql::optional_instant(row, 2)?,
        yanked_reason: sql::optional_text(row, 3)?,
        deprecated: sql::optional_text(row, 4)?,
    })
}

/// The versions where `version` may be seen or not.
fn with_visibility(mut published: Vec<PublishedVersion>, version: &Version, visible: bool) -> Vec<PublishedVersion> {
    for one in published.iter_mut().filter(|one| one.version == *version) {
        one.visible = visible;
    }
    published
}

async fn yank(tx: &Session, change: &Yank) -> Tx<Yanked> {
    let name = &change.package;
    let changing = Changing::prepare(tx).await?;
    let wanted =
        Wanted { actor: &change.actor, now: change.now, package: name, version: &change.version, action: Action::Yank };
    let (found, choice) = changing.find_to_choose(tx, &wanted).await?;
    let Found { package, id, version, yanked_at, yanked_reason, .. } = found;
    if let Some(yanked_at) = yanked_at {
        let (moved_tags, removed_tags) = (BTreeMap::new(), Vec::new());
        return Ok(Yanked { version, yanked_at, reason: yanked_reason, moved_tags, removed_tags });
    }
    let (before, after) = recomputed(choice, &version, false, change.latest_policy);
    let yanked_at = change.now.max(package.updated_at);
    let (now, reason) = (yanked_at.as_microsecond(), change.reason.as_deref().map(sql::Text));
    let (_, mut removed_tags) =
        try_join!(tx.execute(&changing.yank, [&id, &now, &reason]), changing.tags.remove_of_version(tx, id),)?;
    changing.move_latest(tx, package, name, (before.as_ref(), after.as_ref()), change.now).await?;
    changing.note(tx, name, &change.audit, change.now).await?;
    if before.is_some() && after.is_none() {
        removed_tags.push(DistTag::latest());
    }
    removed_tags.sort();
    let moved_tags = moved_latest(before, after);
    Ok(Yanked { version, yanked_at, reason: change.reason.clone(), moved_tags, removed_tags })
}

async fn unyank(tx: &Session, change: &Unyank) -> Tx<BTreeMap<DistTag, Version>> {
    let name = &change.package;
    let changing = Changing::prepare(tx).await?;
    let wanted =
        Wanted { actor: &change.actor, now: change.now, package: name, version: &change.version, action: Action::Yank };
    let (found, choice) = changing.find_to_choose(tx, &wanted).await?;
    if found.yanked_at.is_none() {
        return Ok(BTreeMap::new());
    }
    let (before, after) = recomputed(choice, &found.version, true, change.latest_policy);
    tx.execute(&changing.yank, [&found.id, &None::<i64>, &None::<&str>]).await?;
    changing.move_latest(tx, found.package, name, (before.as_ref(), after.as_ref()), change.now).await?;
    changing.note(tx, name, &change.audit, change.now).await?;
    Ok(moved_latest(before, after))
}

/// What `latest` named, and what it names once `version` may be seen or not.
fn recomputed(
    choice: Choice,
    version: &Version,
    visible: bool,
    policy: LatestPolicy,
) -> (Option<LatestTag>, Option<LatestTag>) {
    let published = with_visibility(choice.published, version, visible);
    let after = policy.recompute(choice.before.as_ref(), &published);
    (choice.before, after)
}

async fn deprecate(tx: &Session, change: &Deprecation) -> Tx<()> {
    let name = &change.package;
    let changing = Changing::prepare(tx).await?;
    let wanted =
        Wanted { actor: &change.actor, now: change.now, package: name, version: &change.version, action: Action::Yank };
    let found = changing.find(tx, &wanted).await?;
    if found.deprecated == change.message {
        return Ok(());
    }
    let message = change.message.as_deref().map(sql::Text);
    let deprecate: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&found.id, &message];
    try_join!(tx.execute(&changing.deprecate, deprecate), changing.note(tx, name, &change.audit, change.now),)?;
    Ok(())
}

async fn set_tag(tx: &Session, change: &TagChange) -> Tx<()> {
    let name = &change.package;
    let version = change.version.as_ref().ok_or_else(refusals::no_version_to_tag)?;
    let changing = Changing::prepare(tx).await?;
    let wanted = Wanted { actor: &change.actor, now: change.now, package: name, version, action: Action::Tag };
    let (found, choice) = changing.find_to_choose(tx, &wanted).await?;
    if found.yanked_at.is_some() {
        return Err(refusals::yanked_gets_no_tag(name, version).into());
    }
    if change.tag.is_latest() {
        let before = choice.before;
        let after = Some(LatestTag::set_by_hand(found.version, before.as_ref()));
        if before == after {
            return Ok(());
        }
        changing.move_latest(tx, found.package, name, (before.as_ref(), after.as_ref()), change.now).await?;
    } else if !changing.tags.put(tx, name, &change.tag, &found.version).await? {
        return Ok(());
    }
    changing.note(tx, name, &change.audit, change.now).await
}

async fn remove_tag(tx: &Session, change: &TagChange) -> Tx<()> {
    let name = &change.package;
    let changing = Changing::prepare(tx).await?;
    let access = changing.access.take(tx, &change.actor, name, change.now).await?;
    access.require_package(name)?;
    access.require(Action::Tag, name)?;
    if change.tag.is_latest() {
        return Err(refusals::latest_stays().into());
    }
    if !changing.tags.remove(tx, name, &change.tag).await? {
        return Err(refusals::no_such_tag(change).into());
    }
    changing.note(tx, name, &change.audit, change.now).await
}
