use jiff::Timestamp;

use super::{Action, Decision, PackageCommand, PackageFacts, PackageReads, Write, package::package_changes};
use crate::{
    error::Result,
    types::{Actor, NewAuditEntry, PackageName, Version, VersionText},
};

/// A text of a version to set or remove.
#[derive(Clone, Debug)]
pub struct TextChange {
    /// Who changes it.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// Which text.
    pub text: VersionText,
    /// What it says from now on; `None` removes it.
    pub value: Option<String>,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl Action {
    /// The action that changing this text of a version is.
    pub const fn of_text(text: VersionText) -> Self {
        match text {
            VersionText::Deprecation => Self::Yank,
        }
    }
}

impl PackageCommand for TextChange {
    type Answer = ();

    fn reads(&self) -> PackageReads<'_> {
        PackageReads { version: Some(&self.version), ..PackageReads::of(&self.actor, &self.package) }
    }

    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>> {
        let package = facts.authorise(Action::of_text(self.text), self.reads(), self.now)?;
        let found = facts.require_version(self.reads())?;
        if found.texts.get(self.text) == self.value.as_deref() {
            return Ok(Decision::unchanged(()));
        }
        let (name, version, value) = (self.package.clone(), found.version.clone(), self.value.clone());
        let writes = vec![Write::SetText { package: name, version, text: self.text, value }];
        let changes = package_changes(self, package, package.instant(self.now), writes, &self.audit);
        Ok(Decision { answer: (), changes })
    }
}
