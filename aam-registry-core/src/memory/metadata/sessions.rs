use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryMetadata, tables::Tables};
use crate::{
    decide::{BeginSession, BeginSessionFacts, EndSession, EndSessionFacts},
    error::Result,
    ports::SessionStore,
    types::{AccountState, LoginSession, UserId, is_session_ended},
};

#[async_trait]
impl SessionStore for MemoryMetadata {
    async fn begin_session(&self, begin: &BeginSession) -> Result<bool> {
        let mut tables = self.tables();
        let place = begin.session.client.place();
        let places = tables.sessions.iter().filter(|one| one.user == begin.session.user).map(|one| one.client.place());
        let places: Vec<_> = places.collect();
        let facts = BeginSessionFacts {
            caller: tables.caller(&begin.actor()),
            has_logged_in: !places.is_empty(),
            knows_place: places.contains(&place),
        };
        tables.apply(begin.decide(&facts)?, self.clock.now())
    }

    async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>> {
        let tables = self.tables();
        let own = tables.sessions.iter().filter(|one| one.user == user && tables.is_live(one, now));
        let mut sessions: Vec<_> = own.cloned().collect();
        sessions.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(b.id.cmp(&a.id)));
        Ok(sessions)
    }

    async fn end_session(&self, end: &EndSession) -> Result<()> {
        let mut tables = self.tables();
        let own = |one: &&LoginSession| {
            one.user == end.actor.user && one.id == end.session && tables.is_live(one, end.audit.timestamp)
        };
        let expires_at = tables.sessions.iter().find(own).map(|one| one.expires_at);
        let facts = EndSessionFacts { caller: tables.caller(&end.actor), expires_at };
        tables.apply(end.decide(&facts)?, self.clock.now())
    }

    async fn touch_sessions(&self, used: &[(UserId, String, Timestamp)]) -> Result<()> {
        let mut tables = self.tables();
        for (user, id, at) in used {
            let found = tables.sessions.iter_mut().find(|one| one.user == *user && one.id == *id);
            if let Some(session) = found {
                session.last_seen_at = session.last_seen_at.max(*at);
            }
        }
        Ok(())
    }
}

impl Tables {
    fn is_live(&self, session: &LoginSession, now: Timestamp) -> bool {
        let ended = |account: &AccountState| {
            let (current, kept) = (account.session_generation, account.kept_session.as_deref());
            account.user.disabled || is_session_ended(&session.id, session.generation, current, kept)
        };
        let revoked = self.revoked_sessions.contains_key(&(session.user, session.id.clone()));
        session.expires_at > now && !revoked && self.users.get(&session.user).is_some_and(|account| !ended(account))
    }
}
