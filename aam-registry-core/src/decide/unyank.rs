use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Action, Decision, PackageCommand, PackageFacts, PackageReads, Write, package::package_changes};
use crate::{
    error::Result,
    types::{Actor, DistTag, LatestPolicy, NewAuditEntry, PackageName, Version},
};

/// A yank to take back.
#[derive(Clone, Debug)]
pub struct Unyank {
    /// Who takes it back.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl PackageCommand for Unyank {
    /// The tags that moved.
    type Answer = BTreeMap<DistTag, Version>;

    fn reads(&self) -> PackageReads<'_> {
        PackageReads { version: Some(&self.version), latest: true, ..PackageReads::of(&self.actor, &self.package) }
    }

    /// Takes a yank back and recomputes `latest`. Tags that the yank removed stay removed.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, Self::Answer>> {
        let package = facts.authorise(Action::Yank, self.reads(), self.now)?;
        let found = facts.require_version(self.reads())?;
        if found.yanked.is_none() {
            return Ok(Decision::unchanged(BTreeMap::new()));
        }
        let latest = facts.latest.with_visibility(&found.version, found.status.is_open(), self.latest_policy);
        let answer = latest.moved_tags();
        let (package_name, version) = (self.package.clone(), found.version.clone());
        let mut writes = vec![Write::SetYank { package: package_name, version, yanked: None }];
        writes.extend(Write::of_latest(&self.package, latest));
        let changes = package_changes(self, package, package.instant(self.now), writes, &self.audit);
        Ok(Decision { answer, changes })
    }
}
