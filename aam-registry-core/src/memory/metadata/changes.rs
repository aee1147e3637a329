use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    MemoryMetadata,
    tables::{StoredPackage, StoredVersion, StoredYank, Tables},
};
use crate::{
    error::{Error, Result},
    ports::{Deprecation, OwnerChange, TagChange, Unyank, VersionStore, Yank, Yanked},
    types::{Action, Actor, DistTag, PackageName, UserId, Version},
};

#[async_trait]
impl VersionStore for MemoryMetadata {
    async fn yank(&self, yank: &Yank) -> Result<Yanked> {
        let mut tables = self.tables();
        tables.require(&yank.actor, Action::Yank, &yank.package, yank.now)?;
        let package = tables.package_mut(&yank.package)?;
        let now = yank.now.max(package.updated_at);
        let stored = package.version_mut(&yank.package, &yank.version)?;
        let version = stored.manifest.version.clone();
        if let Some(StoredYank { at, reason }) = stored.yanked.clone() {
            let (moved_tags, removed_tags) = Default::default();
            return Ok(Yanked { version, yanked_at: at, reason, moved_tags, removed_tags });
        }
        stored.yanked = Some(StoredYank { at: now, reason: yank.reason.clone() });
        package.updated_at = now;
        let before = package.recompute_latest(yank.latest_policy);
        let moved_tags = package.moved(before.as_ref().map(|latest| &latest.version));
        let mut removed_tags: Vec<_> =
            package.tags.extract_if(.., |_, named| *named == version).map(|(tag, _)| tag).collect();
        if before.is_some() && package.latest.is_none() {
            removed_tags.push(DistTag::latest());
            removed_tags.sort();
        }
        tables.append(&yank.audit);
        Ok(Yanked { version, yanked_at: now, reason: yank.reason.clone(), moved_tags, removed_tags })
    }

    async fn unyank(&self, unyank: &Unyank) -> Result<BTreeMap<DistTag, Version>> {
        let mut tables = self.tables();
        tables.require(&unyank.actor, Action::Yank, &unyank.package, unyank.now)?;
        let package = tables.package_mut(&unyank.package)?;
        if package.version_mut(&unyank.package, &unyank.version)?.yanked.take().is_none() {
            return Ok(BTreeMap::new());
        }
        package.updated_at = package.updated_at.max(unyank.now);
        let before = package.recompute_latest(unyank.latest_policy);
        let moved = package.moved(before.as_ref().map(|latest| &latest.version));
        tables.append(&unyank.audit);
        Ok(moved)
    }

    async fn set_deprecation(&self, deprecation: &Deprecation) -> Result<()> {
        let mut tables = self.tables();
        tables.require(&deprecation.actor, Action::Yank, &deprecation.package, deprecation.now)?;
        let package = tables.package_mut(&deprecation.package)?;
        let stored = package.version_mut(&deprecation.package, &deprecation.version)?;
        if stored.deprecated == deprecation.message {
            return Ok(());
        }
        stored.deprecated.clone_from(&deprecation.message);
        package.updated_at = package.updated_at.max(deprecation.now);
        tables.append(&deprecation.audit);
        Ok(())
    }

    async fn set_tag(&self, change: &TagChange) -> Result<()> {
        let mut tables = self.tables();
        let wanted = change.version.as_ref().ok_or_else(|| Error::invalid_request("Say which version to tag"))?;
        tables.require(&change.actor, Action::Tag, &change.package, change.now)?;
        let stored = tables.require_version(&change.package, wanted)?;
        let (version, yanked) = (stored.manifest.version.clone(), stored.yanked.is_some());
        if yanked {
            let message = format!("Version {version} of {} is yanked; unyank it or tag another", change.package);
            return Err(Error::InvalidTag(message));
        }
        let package = tables.package_mut(&change.package)?;
        if package.set_tag(&change.tag, version) {
            package.updated_at = package.updated_at.max(change.now);
            tables.append(&change.audit);
        }
        Ok(())
    }

    async fn remove_tag(&self, change: &TagChange) -> Result<()> {
        let mut tables = self.tables();
        tables.require(&change.actor, Action::Tag, &change.package, change.now)?;
        if change.tag.is_latest() {
            return Err(Error::InvalidTag("The tag `latest` cannot be removed; set it to another version".to_owned()));
        }
        let package = tables.package_mut(&change.package)?;
        if package.tags.remove(&change.tag).is_none() {
            return Err(Error::TagNotFound { package: change.package.clone(), tag: change.tag.to_string() });
        }
        package.updated_at = package.updated_at.max(change.now);
        tables.append(&change.audit);
        Ok(())
    }

    async fn add_owner(&self, change: &OwnerChange) -> Result<()> {
        let mut tables = self.tables();
        let owner = tables.require_owner_change(change)?;
        let package = tables.packages.get(&change.package).ok_or_else(|| not_found(&change.package))?;
        if tables.owners(&change.package, package).contains(&owner) {
            return Ok(());
        }
        let package = tables.package_mut(&change.package)?;
        package.owners.insert(owner);
        package.updated_at = package.updated_at.max(change.now);
        tables.append(&change.audit);
        Ok(())
    }

    async fn remove_owner(&self, change: &OwnerChange) -> Result<()> {
        let mut tables = self.tables();
        let owner = tables.require_owner_change(change)?;
        let through_scope = tables.scope_owners(&change.package).any(|user| user == owner);
        let package = tables.package_mut(&change.package)?;
        if !package.owners.contains(&owner) {
            return if through_scope { Err(owns_through_scope(change)) } else { Ok(()) };
        }
        if change.package.scope().is_none() && package.owners.len() == 1 {
            return Err(Error::LastOwner(change.owner.clone()));
        }
        package.owners.remove(&owner);
        package.updated_at = package.updated_at.max(change.now);
        tables.append(&change.audit);
        Ok(())
    }
}

impl Tables {
    fn require_version(&self, name: &PackageName, version: &Version) -> Result<&StoredVersion> {
        let package = self.packages.get(name).ok_or_else(|| not_found(name))?;
        package.version(version).ok_or_else(|| Error::version_not_found(name, version))
    }

    fn package_mut(&mut self, name: &PackageName) -> Result<&mut StoredPackage> {
        self.packages.get_mut(name).ok_or_else(|| not_found(name))
    }

    /// Requires a live actor, a package that exists and the right to `action` on it, in this order.
    fn require(&self, actor: &Actor, action: Action, name: &PackageName, now: Timestamp) -> Result<()> {
        self.require_live(actor, now)?;
        if !self.packages.contains_key(name) {
            return Err(not_found(name));
        }
        self.rights(actor, name).require(action, name)
    }

    fn require_owner_change(&self, change: &OwnerChange) -> Result<UserId> {
        self.require(&change.actor, Action::Manage, &change.package, change.now)?;
        Ok(self.user_named(&change.owner).ok_or_else(|| Error::UserNotFound(change.owner.clone()))?.id)
    }
}

impl StoredPackage {
    fn version_mut(&mut self, name: &PackageName, version: &Version) -> Result<&mut StoredVersion> {
        let found = self.versions.iter_mut().find(|one| one.manifest.version == *version);
        found.ok_or_else(|| Error::version_not_found(name, version))
    }

    /// `latest`, where it names another version than before.
    fn moved(&self, before: Option<&Version>) -> BTreeMap<DistTag, Version> {
        let now = self.latest.as_ref().map(|latest| &latest.version);
        now.filter(|now| Some(*now) != before).map(|now| (DistTag::latest(), now.clone())).into_iter().collect()
    }
}

fn not_found(name: &PackageName) -> Error {
    Error::PackageNotFound(name.clone())
}

fn owns_through_scope(change: &OwnerChange) -> Error {
    let (owner, package) = (&change.owner, &change.package);
    let scope = package.scope_or_empty();
    Error::forbidden(format!("{owner} owns {package} through the scope @{scope}; change the member's role there"))
}
