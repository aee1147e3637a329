use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, Action, EndSession, Rights},
    error::Result,
    ports::CommandHandlerExt,
    registry::Registry,
    types::{AuditEvent, LoginSession, Principal},
};

impl Registry {
    /// The caller's login sessions that are valid, newest first. Those that began before the registry was
    /// updated to a release that lists sessions are missing.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden) with a token that lacks the scope `admin` or is
    /// restricted to packages.
    pub async fn login_sessions(&self, by: &Principal) -> Result<Vec<LoginSession>> {
        Action::ListSessions.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_self(Action::ListSessions)?;
        self.inner().login_sessions.login_sessions(by.user, self.now()).await
    }

    /// Ends one of the caller's login sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) where the caller has no such session;
    /// [`Error::Forbidden`](crate::Error::Forbidden).
    pub async fn end_session(&self, by: &Principal, session: &str) -> Result<()> {
        Action::EndSession.require_credential(by, None)?;
        let audit = self.entry_by(AuditEvent::SessionRevoke, by).with("session", session);
        let end = EndSession { actor: by.actor(), session: session.to_owned(), audit };
        self.inner().commands.execute(&end).await?;
        tracing::info!(event = "session_revoked", user = %by.username, user_id = %by.user, "a session was ended");
        Ok(())
    }

    /// Ends all of the caller's login sessions but the one that is used for it.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden).
    pub async fn end_other_sessions(&self, by: &Principal) -> Result<()> {
        Action::EndSession.require_credential(by, None)?;
        let audit = self.entry_by(AuditEvent::SessionRevoke, by).with("others", true);
        let change = AccountChange {
            by: AccountActor::Itself(by.actor()),
            username: by.username.clone(),
            update: AccountUpdate::OtherSessionsEnded,
            now: audit.timestamp,
            audit: vec![audit],
        };
        self.inner().commands.execute(&change).await?;
        tracing::info!(event = "sessions_revoked", user = %by.username, user_id = %by.user, "other sessions were ended");
        Ok(())
    }

    /// Stores when sessions were last used.
    pub(crate) async fn flush_session_touches(&self) -> Result<()> {
        let used = self.inner().session_touches.take(self.now());
        if used.is_empty() {
            return Ok(());
        }
        let stored = self.inner().login_sessions.touch_sessions(&used).await;
        if stored.is_err() {
            self.inner().session_touches.put_back(&used);
        }
        stored
    }
}
