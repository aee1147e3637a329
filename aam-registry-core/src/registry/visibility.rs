use super::Registry;
use crate::{
    decide::{Action, VisibilityChange},
    error::Result,
    ports::CommandHandlerExt,
    types::{AuditEvent, PackageName, Principal, Visibility},
};

impl Registry {
    /// Makes a package private or public; nothing happens where it is so already.
    ///
    /// What everybody could read before may still be in the caches and on the disks of others.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden),
    /// [`Error::PackageNotFound`](crate::Error::PackageNotFound),
    /// [`Error::InvalidRequest`](crate::Error::InvalidRequest) for a private package in no scope.
    pub async fn set_visibility(&self, by: &Principal, name: &PackageName, visibility: Visibility) -> Result<()> {
        Action::ChangeVisibility.require_credential(by, Some(name))?;
        let audit = self.entry(AuditEvent::VisibilityChange, by, name);
        let (actor, package) = (by.actor(), name.clone());
        let change = VisibilityChange { actor, package, visibility, now: audit.timestamp, audit };
        self.inner().commands.execute(&change).await?;
        tracing::info!(
            event = "visibility_changed",
            user = %by.username,
            package = %name,
            visibility = visibility.as_str(),
            "visibility of a package changed",
        );
        Ok(())
    }
}
