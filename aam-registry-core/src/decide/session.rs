//! The beginning and the end of login sessions.

use super::{Action, CallerFacts, Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{AccountRoles, Actor, Credential, LoginSession, NewAuditEntry, NewJob, Username},
};
use jiff::Timestamp;

/// The metadata of a login's audit entry if it came from a new place.
const NEW_PLACE: &str = "new_place";

/// A login session to begin.
#[derive(Clone, Debug)]
pub struct BeginSession {
    /// The session.
    pub session: LoginSession,
    /// The name of its user.
    pub username: Username,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

/// What the beginning of a session is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BeginSessionFacts {
    /// The account of the [user](BeginSession::actor).
    pub caller: CallerFacts,
    /// Whether the user has logged in before, as far as is remembered.
    pub has_logged_in: bool,
    /// Whether one of those logins was from the same place.
    pub knows_place: bool,
}

impl BeginSession {
    /// The user whose session it is.
    pub fn actor(&self) -> Actor {
        let credential = Credential::Session {
            id: self.session.id.clone(),
            generation: self.session.generation,
            expires_at: self.session.expires_at,
        };
        Actor { user: self.session.user, username: self.username.clone(), credential, roles: AccountRoles::NONE }
    }

    /// Records the session, and has its user told by mail if it is from a new place.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] where the account is gone or disabled, or all its sessions were ended
    /// after the password was checked.
    pub fn decide(&self, facts: &BeginSessionFacts) -> Result<Decision<'_, bool>> {
        facts.caller.require_live(&self.actor(), self.audit.timestamp).map_err(|_| Error::InvalidCredentials)?;
        let is_new_place = facts.has_logged_in && !facts.knows_place;
        let mut audit = self.audit.clone();
        let mut writes = vec![Write::AddSession(self.session.clone())];
        if is_new_place {
            audit = audit.with(NEW_PLACE, true);
            writes.push(Write::QueueJob(NewJob::mail(&audit)));
        }
        Ok(Decision { answer: is_new_place, changes: Changes { writes, audit: vec![audit], invalidates: None } })
    }
}

/// The end of one of the actor's sessions.
#[derive(Clone, Debug)]
pub struct EndSession {
    /// Who ends it.
    pub actor: Actor,
    /// The id of the session.
    pub session: String,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

/// What the end of a session is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndSessionFacts {
    /// Who acts.
    pub caller: CallerFacts,
    /// When the session expires; `None` where the actor has no such session that is valid.
    pub expires_at: Option<Timestamp>,
}

impl EndSession {
    /// Ends the session, and forgets the place that it began in.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`]; [`Error::NotFound`] where the actor has no such session.
    pub fn decide(&self, facts: &EndSessionFacts) -> Result<Decision<'_, ()>> {
        facts.caller.require_self(&self.actor, self.audit.timestamp, Action::EndSession)?;
        let expires_at = facts.expires_at.ok_or_else(|| session_not_found(&self.session))?;
        let (user, session) = (self.actor.user, self.session.clone());
        let writes = vec![
            Write::RevokeSession { user, session: session.clone(), expires_at },
            Write::ForgetSession { user, session },
        ];
        Ok(Decision { answer: (), changes: Changes { writes, audit: vec![self.audit.clone()], invalidates: None } })
    }
}

/// The error for the id of a session that the caller does not have.
fn session_not_found(id: &str) -> Error {
    let shown: String = id.chars().take(64).collect();
    Error::NotFound(format!("You have no session {shown}; it may have ended already"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::CallerAccount,
        types::{AuditEvent, LoginClient, UserId},
    };

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn begin() -> BeginSession {
        let session = LoginSession {
            id: "one".into(),
            user: UserId::generate(),
            generation: 2,
            client: LoginClient::default(),
            created_at: NOW,
            last_seen_at: NOW,
            expires_at: NOW + LoginSession::REMEMBERED,
        };
        let audit = NewAuditEntry::new(AuditEvent::UserLogin, NOW);
        BeginSession { session, username: "ada".parse().expect("a name"), audit }
    }

    fn facts(account: CallerAccount, has_logged_in: bool, knows_place: bool) -> BeginSessionFacts {
        let caller = CallerFacts { account: Some(account), ..CallerFacts::default() };
        BeginSessionFacts { caller, has_logged_in, knows_place }
    }

    #[test]
    fn only_a_login_from_a_new_place_is_told_by_mail() {
        let account = || CallerAccount { session_generation: 2, ..CallerAccount::default() };
        for (has_logged_in, knows_place, is_new) in [(false, false, false), (true, true, false), (true, false, true)] {
            let begin = begin();
            let decided = begin.decide(&facts(account(), has_logged_in, knows_place)).expect("begun");
            assert_eq!(decided.answer, is_new);
            let mails = decided.changes.writes.iter().filter(|write| matches!(write, Write::QueueJob(_))).count();
            assert_eq!(mails, usize::from(is_new));
        }
    }

    #[test]
    fn a_login_whose_password_was_changed_meanwhile_begins_nothing() {
        let ended = CallerAccount { session_generation: 3, ..CallerAccount::default() };
        let disabled = CallerAccount { disabled: true, session_generation: 2, ..CallerAccount::default() };
        for account in [ended, disabled] {
            let refused = begin().decide(&facts(account, false, false)).map(drop);
            assert!(matches!(refused, Err(Error::InvalidCredentials)));
        }
    }
}
