use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryMetadata, tables::Tables};
use crate::{
    decide::{NewUser, NewUserFacts},
    error::Result,
    ports::{Login, UserStore},
    types::{AccountState, LoginSession, ScopeName, Sight, User, UserId, UserProfile, Username, is_session_ended},
};

#[async_trait]
impl UserStore for MemoryMetadata {
    async fn login(&self, login: &str) -> Result<Option<Login>> {
        let tables = self.tables();
        let email = login.contains('@').then(|| login.to_lowercase());
        let account = tables.users.values().find(|account| match &email {
            Some(email) => account.user.email.to_lowercase() == *email,
            None => account.user.username.as_str() == login,
        });
        Ok(account.map(|account| Login {
            user: account.user.clone(),
            password_hash: account.password_hash.clone(),
            session_generation: account.session_generation,
        }))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        Ok(self.tables().users.get(&id).map(|account| account.user.clone()))
    }

    async fn profile(&self, username: &Username, sight: &Sight) -> Result<Option<UserProfile>> {
        let tables = self.tables();
        Ok(tables.user_named(username).map(|user| {
            let owned =
                tables.packages.iter().filter(|(name, package)| tables.owners(name, package).contains(&user.id));
            let seen = owned.filter(|(name, package)| package.is_public() || sight.sees(name));
            let packages = seen.map(|(name, _)| name.clone()).collect();
            UserProfile::new(user.username.clone(), user.created_at, packages)
        }))
    }

    async fn has_admin(&self) -> Result<bool> {
        Ok(self.tables().users.values().any(|account| account.user.administers()))
    }

    async fn session_user(&self, user: UserId, session: &str, generation: u64) -> Result<Option<User>> {
        let tables = self.tables();
        let revoked = tables.revoked_sessions.contains_key(&(user, session.to_owned()));
        let is_over = |account: &AccountState| {
            let (current, kept) = (account.session_generation, account.kept_session.as_deref());
            revoked || account.user.disabled || is_session_ended(session, generation, current, kept)
        };
        let account = tables.users.get(&user).filter(|account| !is_over(account));
        Ok(account.map(|account| account.user.clone()))
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<()> {
        let mut tables = self.tables();
        tables.revoked_sessions.retain(|_, expires_at| *expires_at >= now);
        tables.one_time_tokens.retain(|(_, token)| token.expires_at >= now);
        tables.publisher_tokens.retain(|_, token| token.expires_at >= now);
        tables.used_id_tokens.retain(|_, until| *until >= now);
        tables.invitations.retain(|_, invitation| invitation.expires_at >= now);
        tables.sessions.retain(|session| session.expires_at + LoginSession::REMEMBERED >= now);
        Ok(())
    }
}

impl Tables {
    pub(super) fn new_user_facts(&self, new: &NewUser) -> NewUserFacts {
        let (username, email) = (&new.user.username, new.user.email.to_lowercase());
        let has_name = self.user_named(username).is_some();
        NewUserFacts {
            name_taken: has_name || self.scopes.contains_key(&ScopeName::from(username)),
            email_taken: self.users.values().any(|account| account.user.email.to_lowercase() == email),
            invitation: new.invitation.as_ref().and_then(|used| self.invitation_of_secret(&used.digest)),
        }
    }
}
