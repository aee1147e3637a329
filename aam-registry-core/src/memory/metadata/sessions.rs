use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryMetadata, tables::Tables};
use crate::{
    decide::{BeginSession, BeginSessionFacts, EndSession, EndSessionFacts},
    error::Result,
    ports::SessionStore,
    types::{AccountState, LoginSession, User, UserId, is_session_ended},
};

#[async_trait]
impl SessionStore for MemoryMetadata {
    async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>> {
        let tables = self.tables();
        let own = tables.sessions.iter().filter(|one| one.user == user && tables.is_live(one, now));
        let mut sessions: Vec<_> = own.cloned().collect();
        sessions.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(b.id.cmp(&a.id)));
        Ok(sessions)
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
    pub(super) fn addresses_of_login(&self, login: &str) -> Vec<IpAddr> {
        let is_meant = |user: &User| match login.contains('@') {
            true => user.email.to_lowercase() == login.to_lowercase(),
            false => user.username.as_str() == login,
        };
        let user = self.users.values().map(|account| &account.user).find(|user| is_meant(user));
        let own = self.sessions.iter().filter(|session| user.is_some_and(|user| session.user == user.id));
        own.filter_map(|session| session.client.address).collect()
    }

    pub(super) fn begin_session_facts(&self, begin: &BeginSession) -> BeginSessionFacts {
        let own = self.sessions.iter().filter(|one| one.user == begin.session.user);
        let places: Vec<_> = own.map(|one| one.client.place()).collect();
        BeginSessionFacts {
            caller: self.caller(&begin.actor()),
            has_logged_in: !places.is_empty(),
            knows_place: places.contains(&begin.session.client.place()),
        }
    }

    pub(super) fn end_session_facts(&self, end: &EndSession) -> EndSessionFacts {
        let is_meant = |one: &&LoginSession| {
            one.user == end.actor.user && one.id == end.session && self.is_live(one, end.audit.timestamp)
        };
        let expires_at = self.sessions.iter().find(is_meant).map(|one| one.expires_at);
        EndSessionFacts { caller: self.caller(&end.actor), expires_at }
    }

    fn is_live(&self, session: &LoginSession, now: Timestamp) -> bool {
        let ended = |account: &AccountState| {
            let (current, kept) = (account.session_generation, account.kept_session.as_deref());
            account.user.disabled || is_session_ended(&session.id, session.generation, current, kept)
        };
        let revoked = self.revoked_sessions.contains_key(&(session.user, session.id.clone()));
        session.expires_at > now && !revoked && self.users.get(&session.user).is_some_and(|account| !ended(account))
    }
}
