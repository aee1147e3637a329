use super::Registry;
use crate::{
    decide::{Action, OwnerChange},
    error::Result,
    ports::CommandHandlerExt,
    types::{AuditEvent, PackageName, Principal, Username},
};

impl Registry {
    /// Adds an owner to a package; nothing happens where the user is one.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden),
    /// [`Error::QuotaExceeded`](crate::Error::QuotaExceeded),
    /// [`Error::PackageNotFound`](crate::Error::PackageNotFound),
    /// [`Error::UserNotFound`](crate::Error::UserNotFound).
    pub async fn add_owner(&self, by: &Principal, name: &PackageName, owner: &Username) -> Result<()> {
        let change = self.owner_change(by, name, owner, true)?;
        self.inner().commands.execute(&change).await?;
        tracing::info!(event = "owner_added", user = %by.username, package = %name, owner = %owner, "owner added");
        Ok(())
    }

    /// Removes an owner of a package; nothing happens where the user is none.
    ///
    /// # Errors
    /// As for [`add_owner`](Self::add_owner), and
    /// [`Error::LastOwner`](crate::Error::LastOwner).
    pub async fn remove_owner(&self, by: &Principal, name: &PackageName, owner: &Username) -> Result<()> {
        let change = self.owner_change(by, name, owner, false)?;
        self.inner().commands.execute(&change).await?;
        tracing::info!(event = "owner_removed", user = %by.username, package = %name, owner = %owner, "owner removed");
        Ok(())
    }

    fn owner_change(&self, by: &Principal, name: &PackageName, owner: &Username, owns: bool) -> Result<OwnerChange> {
        Action::ChangeOwners.require_credential(by, Some(name))?;
        let event = if owns { AuditEvent::OwnershipAdd } else { AuditEvent::OwnershipRemove };
        let audit = self.entry(event, by, name).with("owner", owner.as_str());
        let (actor, package, owner) = (by.actor(), name.clone(), owner.clone());
        let max_owners = self.policy().owners_per_package;
        Ok(OwnerChange { actor, package, owner, owns, max_owners, now: audit.timestamp, audit })
    }
}
