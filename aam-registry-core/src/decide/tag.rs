use jiff::Timestamp;

use super::{
    Action, Decision, PackageCommand, PackageFacts, PackageReads, VersionState, Write, package::package_changes,
    tag_gate::require_passed,
};
use crate::{
    error::{Error, Result},
    types::{Actor, ApprovalStatus, DistTag, Gates, NewAuditEntry, PackageName, TagRules, Version},
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
    /// What the operator demands of tags.
    pub rules: TagRules,
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
        require_allowed(&self.rules, tag)?;
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
        let is_set = facts.tag.as_ref() == Some(version);
        if !is_set {
            let others = OtherTags { exists: facts.tag.is_some(), count: facts.tag_count, gates: &facts.gates };
            require_settable(&self.rules, others, package, tag, found)?;
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

/// What is known of the tags of a package beside the one that is to be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct OtherTags<'a> {
    /// Whether the tag names a version already.
    pub(super) exists: bool,
    /// How many tags the package has beside `latest`.
    pub(super) count: u64,
    /// The gates of tags.
    pub(super) gates: &'a Gates,
}

/// Requires that a tag other than `latest` may name an open version: the operator allows it, the package has room for
/// it, and the version has passed its gate and been approved where that is needed.
pub(super) fn require_settable(
    rules: &TagRules,
    others: OtherTags<'_>,
    package: &PackageName,
    tag: &DistTag,
    found: &VersionState,
) -> Result<()> {
    require_allowed(rules, tag)?;
    if !others.exists {
        require_room_for_tag(package, others.count, rules.max)?;
    }
    if rules.need_approval_for(tag) && found.last_decision != Some(ApprovalStatus::Approved) {
        let (package, tag, version) = (package.clone(), tag.clone(), found.version.to_string());
        return Err(Error::TagNeedsApproval { package, tag, version });
    }
    require_passed(others.gates, package, tag, found)
}

/// Requires that the operator allows the tag.
pub(crate) fn require_allowed(rules: &TagRules, tag: &DistTag) -> Result<()> {
    if rules.allow(tag) {
        return Ok(());
    }
    Err(Error::TagNotAllowed { tag: tag.clone(), allowed: rules.allowed_text().unwrap_or_default() })
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
