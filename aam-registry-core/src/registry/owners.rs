use super::Registry;
use crate::{
    error::Result,
    ports::OwnerChange,
    types::{AuditEvent, PackageName, Principal, TokenScope, Username},
};

impl Registry {
    /// Adds an owner to a package; nothing happens where the user is one.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden),
    /// [`Error::PackageNotFound`](crate::Error::PackageNotFound),
    /// [`Error::UserNotFound`](crate::Error::UserNotFound).
    pub async fn add_owner(&self, by: &Principal, name: &PackageName, owner: &Username) -> Result<()> {
        let change = self.owner_change(AuditEvent::OwnershipAdd, by, name, owner)?;
        self.inner().versions.add_owner(&change).await?;
        tracing::info!(event = "owner_added", user = %by.username, package = %name, owner = %owner, "owner added");
        Ok(())
    }

    /// Removes an owner of a package; nothing happens where the user is none.
    ///
    /// # Errors
    /// As for [`add_owner`](Self::add_owner), and
    /// [`Error::LastOwner`](crate::Error::LastOwner).
    pub async fn remove_owner(&self, by: &Principal, name: &PackageName, owner: &Username) -> Result<()> {
        let change = self.owner_change(AuditEvent::OwnershipRemove, by, name, owner)?;
        self.inner().versions.remove_owner(&change).await?;
        tracing::info!(event = "owner_removed", user = %by.username, package = %name, owner = %owner, "owner removed");
        Ok(())
    }

    fn owner_change(
        &self,
        event: AuditEvent,
        by: &Principal,
        name: &PackageName,
        owner: &Username,
    ) -> Result<OwnerChange> {
        by.require_scope(&[TokenScope::Admin])?;
        by.require_package(name)?;
        let audit = self.entry(event, by, name).with("owner", owner.as_str());
        Ok(OwnerChange { actor: by.actor(), package: name.clone(), owner: owner.clone(), now: audit.timestamp, audit })
    }
}
