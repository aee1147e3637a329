use jiff::Timestamp;

use super::{
    Action, Decision, PackageCommand, PackageFacts, PackageReads, PackageState, Write, package::package_changes,
};
use crate::{
    error::{Error, Result},
    types::{Actor, NewAuditEntry, PackageName, VISIBILITY, Visibility},
};

/// A package to make private or public.
#[derive(Clone, Debug)]
pub struct VisibilityChange {
    /// Who changes it.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// Who may see it from now on.
    pub visibility: Visibility,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

impl PackageCommand for VisibilityChange {
    type Answer = ();

    fn reads(&self) -> PackageReads<'_> {
        PackageReads::of(&self.actor, &self.package)
    }

    /// Nothing happens where it is so already. Only a package in a scope can be
    /// private: a name without a scope would be known by its being taken.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>> {
        let package = facts.authorise(Action::ChangeVisibility, self.reads(), self.now)?;
        if self.visibility.is_private() && self.package.scope().is_none() {
            return Err(Error::invalid_request(format!(
                "{} is in no scope, so it cannot be private; publish it as `@scope/{}` instead",
                self.package, self.package
            )));
        }
        if package.visibility == self.visibility {
            return Ok(Decision::unchanged(()));
        }
        let writes = vec![Write::SetVisibility { package: self.package.clone(), visibility: self.visibility }];
        let after = PackageState { visibility: self.visibility, ..package };
        let audit = self.audit.clone().with(VISIBILITY, self.visibility.as_str());
        let changes = package_changes(self, after, package.instant(self.now), writes, &audit);
        Ok(Decision { answer: (), changes })
    }
}
