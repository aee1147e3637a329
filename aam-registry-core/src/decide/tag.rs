use jiff::Timestamp;

use super::{
    Action, Decision, PackageCommand, PackageFacts, PackageReads, Write, package::package_changes,
    tag_gate::require_passed,
};
use crate::{
    error::{Error, Result},
    types::{Actor, DistTag, NewAuditEntry, PackageName, Version},
};

/// A dist-tag to set or remove.
#[derive(Clone, Debug)]
pub struct TagChange {
    /// Who changes it.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The tag.
    pub tag: DistTag,
    /// The version that it is to name; `None` to remove the tag.
    pub version: Option<Version>,
    /// How many tags a package may have beside `latest`.
    pub max_tags: u64,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl PackageCommand for TagChange {
    type Answer = ();

    fn reads(&self) -> PackageReads<'_> {
        let is_latest = self.tag.is_latest();
        PackageReads {
            version: self.version.as_ref(),
            latest: is_latest && self.version.is_some(),
            tag: Some(&self.tag).filter(|_| !is_latest),
            gates: !is_latest && self.version.is_some(),
            ..PackageReads::of(&self.actor, &self.package)
        }
    }

    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>> {
        let package = facts.authorise(Action::Tag, self.reads(), self.now)?;
        let write = match &self.version {
            Some(_) => self.set(facts)?,
            None => Some(self.remove(facts)?),
        };
        let Some(write) = write else { return Ok(Decision::unchanged(())) };
        let changes = package_changes(self, package, package.instant(self.now), vec![write], &self.audit);
        Ok(Decision { answer: (), changes })
    }
}

impl TagChange {
    fn set(&self, facts: &PackageFacts) -> Result<Option<Write<'static>>> {
        let (package, tag) = (&self.package, &self.tag);
        let found = facts.require_version(self.reads())?;
        let version = &found.version;
        if !found.status.is_open() {
            let what = if found.status.is_quarantined() { "in quarantine" } else { "not approved" };
            let message = format!("Version {version} of {package} is {what}, so no dist-tag can name it; tag another");
            return Err(Error::InvalidTag(message));
        }
        if found.yanked.is_some() {
            let message = format!("Version {version} of {package} is yanked; unyank it or tag another");
            return Err(Error::InvalidTag(message));
        }
        if tag.is_latest() {
            return Ok(Write::of_latest(package, facts.latest.set_by_hand(version)));
        }
        if facts.tag.is_none() {
            require_room_for_tag(package, facts.tag_count, self.max_tags)?;
        }
        let is_set = facts.tag.as_ref() == Some(version);
        if !is_set {
            require_passed(&facts.gates, package, tag, found)?;
        }
        let write = || Write::SetTag { package: package.clone(), tag: tag.clone(), version: version.clone() };
        Ok((!is_set).then(write))
    }

    fn remove(&self, facts: &PackageFacts) -> Result<Write<'static>> {
        let (package, tag) = (&self.package, &self.tag);
        if tag.is_latest() {
            let message = "The dist-tag `latest` cannot be removed; set it to another version instead";
            return Err(Error::InvalidTag(message.to_owned()));
        }
        if facts.tag.is_none() {
            return Err(Error::TagNotFound { package: package.clone(), tag: tag.to_string() });
        }
        Ok(Write::RemoveTags { package: package.clone(), tags: vec![tag.clone()] })
    }
}

/// Requires that a package that has so many tags beside `latest` may have one more.
pub(super) fn require_room_for_tag(package: &PackageName, tags: u64, most: u64) -> Result<()> {
    if tags < most {
        return Ok(());
    }
    Err(Error::QuotaExceeded(format!(
        "This registry allows {most} dist-tags of a package beside `latest` (MAX_TAGS_PER_PACKAGE), and {package} already \
         has {tags}; remove or move one of them"
    )))
}
