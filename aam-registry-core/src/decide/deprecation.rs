use jiff::Timestamp;

use super::{Action, Decision, PackageCommand, PackageFacts, PackageReads, Write, package::package_changes};
use crate::{
    error::Result,
    types::{Actor, NewAuditEntry, PackageName, Version},
};

/// A deprecation message to set or remove.
#[derive(Clone, Debug)]
pub struct Deprecation {
    /// Who deprecates.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// The message; `None` removes it.
    pub message: Option<String>,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

impl PackageCommand for Deprecation {
    type Answer = ();

    fn reads(&self) -> PackageReads<'_> {
        PackageReads { version: Some(&self.version), ..PackageReads::of(&self.actor, &self.package) }
    }

    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>> {
        let package = facts.authorise(Action::Yank, self.reads(), self.now)?;
        let found = facts.require_version(&self.package, &self.version)?;
        if found.deprecated == self.message {
            return Ok(Decision::unchanged(()));
        }
        let (name, version, message) = (self.package.clone(), found.version.clone(), self.message.clone());
        let writes = vec![Write::SetDeprecation { package: name, version, message }];
        let changes = package_changes(self, package.instant(self.now), writes, &self.audit);
        Ok(Decision { answer: (), changes })
    }
}
