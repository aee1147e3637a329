//! Switching read-only mode, and asking for it.

use super::{OPERATOR, Registry};
use crate::{
    decide::{Action, SetReadOnly},
    error::{Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt, ReadOnlySwitch},
    types::{Actor, AuditEvent, NewAuditEntry, Principal, ReadOnlyMode},
};

impl Registry {
    /// The read-only mode that the registry is in, if any, as it was within the last half second.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn read_only(&self) -> Result<Option<ReadOnlyMode>> {
        self.inner().read_only.mode().await
    }

    /// The mode that the switch in the database says, whatever this process is configured to be.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn read_only_switch(&self) -> Result<Option<ReadOnlyMode>> {
        self.inner().queries.ask(ReadOnlySwitch(())).await
    }

    /// The same without asking the database: as it was when that was asked last.
    pub fn known_read_only(&self) -> Option<ReadOnlyMode> {
        self.inner().read_only.known_mode()
    }

    /// Whether this process is read-only by its configuration, which no switch ends.
    pub fn is_configured_read_only(&self) -> bool {
        self.policy().read_only
    }

    /// Refuses if the registry is read-only, for what changes something beside the database.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], or a backend error of kind database.
    pub(crate) async fn require_writable(&self) -> Result<()> {
        self.inner().read_only.require_writable().await
    }

    /// Switches read-only mode on, with what users are told about it, or off. Every replica follows within a second.
    /// Gives the mode that the registry is in then.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is no administrator; [`Error::InvalidRequest`] for a reason that is too long.
    pub async fn set_read_only(&self, by: &Principal, on: bool, reason: Option<&str>) -> Result<Option<ReadOnlyMode>> {
        Action::SetReadOnly.require_credential(by, None)?;
        let audit = self.entry_by(AuditEvent::AdminReadOnly, by);
        self.switch(Some(by.actor()), by.username.as_str(), on, reason, audit).await
    }

    /// The same for the operator, never for clients.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a reason that is too long.
    pub async fn set_read_only_as_operator(&self, on: bool, reason: Option<&str>) -> Result<Option<ReadOnlyMode>> {
        let audit = NewAuditEntry::new(AuditEvent::AdminReadOnly, self.now()).with_actor(OPERATOR);
        self.switch(None, OPERATOR, on, reason, audit).await
    }

    async fn switch(
        &self,
        actor: Option<Actor>,
        by: &str,
        on: bool,
        reason: Option<&str>,
        audit: NewAuditEntry,
    ) -> Result<Option<ReadOnlyMode>> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        let is_too_long =
            |reason: &str| reason.chars().count() > ReadOnlyMode::MAX_REASON || reason.chars().any(char::is_control);
        if reason.is_some_and(is_too_long) {
            return Err(Error::invalid_request(format!(
                "`reason` must be one line of at most {} characters",
                ReadOnlyMode::MAX_REASON
            )));
        }
        let mode =
            on.then(|| ReadOnlyMode { since: audit.timestamp, by: by.to_owned(), reason: reason.map(str::to_owned) });
        let audit = audit.with("on", on);
        let audit = match reason.filter(|_| on) {
            Some(reason) => audit.with("reason", reason),
            None => audit,
        };
        let mode = self.inner().commands.execute(&SetReadOnly { actor, mode, audit }).await?;
        tracing::warn!(
            event = "read_only_switched",
            on,
            by,
            reason,
            "read-only mode was switched; every replica follows within a second"
        );
        Ok(mode)
    }
}
