use jiff::Timestamp;

use super::{Action, Decision, PackageCommand, PackageFacts, PackageReads, Write, package::package_changes};
use crate::{
    error::{Error, Result},
    types::{Actor, NewAuditEntry, PackageName, ScopeRole, Username},
};

/// An owner to add to a package or to remove from it.
#[derive(Clone, Debug)]
pub struct OwnerChange {
    /// Who changes it.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The user.
    pub owner: Username,
    /// Whether the user is to own it.
    pub owns: bool,
    /// How many owners may be listed with a package, beside the owners of its scope.
    pub max_owners: u64,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl PackageCommand for OwnerChange {
    type Answer = ();

    fn reads(&self) -> PackageReads<'_> {
        PackageReads { user: Some(&self.owner), ..PackageReads::of(&self.actor, &self.package) }
    }

    /// Nothing happens where it is so already. The last owner of an unscoped
    /// package stays, and owners of a scope cease to own its packages there.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>> {
        let package = facts.authorise(Action::ChangeOwners, self.reads(), self.now)?;
        let user = facts.user.ok_or_else(|| Error::UserNotFound(self.owner.clone()))?;
        let through_scope = user.scope_role == Some(ScopeRole::Owner);
        let changes = if self.owns { !user.package_owner && !through_scope } else { user.package_owner };
        if !changes {
            return if self.owns || !through_scope { Ok(Decision::unchanged(())) } else { Err(self.owns_by_scope()) };
        }
        if !self.owns && self.package.scope().is_none() && facts.other_owners == 0 {
            return Err(Error::LastOwner(self.owner.clone()));
        }
        if self.owns && facts.owner_count >= self.max_owners {
            return Err(Error::QuotaExceeded(format!(
                "This registry allows {} owners of a package (MAX_OWNERS_PER_PACKAGE), and {} already has {}; remove one \
                 first, or publish in a scope and make users members of it",
                self.max_owners, self.package, facts.owner_count
            )));
        }
        let writes = vec![Write::SetOwner { package: self.package.clone(), user: user.user, owns: self.owns }];
        let changes = package_changes(self, package, package.instant(self.now), writes, &self.audit);
        Ok(Decision { answer: (), changes })
    }
}

impl OwnerChange {
    fn owns_by_scope(&self) -> Error {
        let (owner, package, scope) = (&self.owner, &self.package, self.package.scope_or_empty());
        Error::forbidden(format!("{owner} owns {package} through the scope @{scope}; change the member's role there"))
    }
}
