use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Action, Decision, PackageCommand, PackageFacts, PackageReads, Write, YankState, package::package_changes};
use crate::{
    error::Result,
    types::{Actor, DistTag, LatestPolicy, NewAuditEntry, PackageName, Version},
};

/// A yank to make.
#[derive(Clone, Debug)]
pub struct Yank {
    /// Who yanks.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// Why.
    pub reason: Option<String>,
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant of the yank.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// A yank that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yanked {
    /// The version as published.
    pub version: Version,
    /// When it was yanked.
    pub yanked_at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// The tags that this call moved to another version.
    pub moved_tags: BTreeMap<DistTag, Version>,
    /// The tags this call removed.
    pub removed_tags: Vec<DistTag>,
}

impl PackageCommand for Yank {
    type Answer = Yanked;

    fn reads(&self) -> PackageReads<'_> {
        PackageReads { version: Some(&self.version), latest: true, ..PackageReads::of(&self.actor, &self.package) }
    }

    /// Withdraws a version: removes the tags other than `latest` that name it
    /// and recomputes `latest`. A yanked version stays as it is.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, Yanked>> {
        let package = facts.authorise(Action::Yank, self.reads(), self.now)?;
        let found = facts.require_version(self.reads())?;
        let version = found.version.clone();
        if let Some(YankState { at, reason }) = found.yanked.clone() {
            let (moved_tags, removed_tags) = (BTreeMap::new(), Vec::new());
            return Ok(Decision::unchanged(Yanked { version, yanked_at: at, reason, moved_tags, removed_tags }));
        }
        let (at, reason) = (package.instant(self.now), self.reason.clone());
        let latest = facts.latest.with_visibility(&version, false, self.latest_policy);
        let moved_tags = latest.moved_tags();
        let mut removed_tags = found.tags.clone();

        let name = || self.package.clone();
        let yanked = Some(YankState { at, reason: reason.clone() });
        let mut writes = vec![Write::SetYank { package: name(), version: version.clone(), yanked }];
        if !removed_tags.is_empty() {
            writes.push(Write::RemoveTags { package: name(), tags: removed_tags.clone() });
        }
        if latest.is_removal() {
            removed_tags.push(DistTag::latest());
            removed_tags.sort();
        }
        writes.extend(Write::of_latest(&self.package, latest));
        Ok(Decision {
            answer: Yanked { version, yanked_at: at, reason, moved_tags, removed_tags },
            changes: package_changes(self, package, at, writes, &self.audit),
        })
    }
}
