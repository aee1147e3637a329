//! Accounts, credentials, scopes and the audit log.

#![deny(clippy::missing_trait_methods)]

use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{CachedMetadata, kept::CREDENTIAL_LIFETIME};
use crate::{
    error::Result,
    ports::{AccountStore, AuditLog, Database, Login, ScopeStore, SessionStore, TokenHolder, TokenStore, UserStore},
    types::{
        AccountFilter, Actor, AuditEntry, AuditFilter, ChainLink, LoginSession, NewAuditEntry, OneTimePurpose, Page,
        Scope, ScopeName, ScopeRole, Sha256Digest, Sight, Token, TokenUse, User, UserId, UserProfile, Username,
    },
};

#[async_trait]
impl<D: Database> UserStore for CachedMetadata<D> {
    async fn login(&self, login: &str) -> Result<Option<Login>> {
        self.inner.database.login(login).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.inner.database.user(id).await
    }

    async fn profile(&self, username: &Username, sight: &Sight) -> Result<Option<UserProfile>> {
        self.inner.database.profile(username, sight).await
    }

    async fn has_admin(&self) -> Result<bool> {
        self.inner.database.has_admin().await
    }

    async fn session_user(&self, user: UserId, session: &str, generation: u64) -> Result<Option<User>> {
        let kept = &self.inner.kept;
        let key = (user, session.to_owned(), generation);
        let (mark, read_at) = (kept.credential_mark(), Instant::now());
        if let Some(entry) = kept.sessions.get(&key, CREDENTIAL_LIFETIME).filter(|entry| entry.holds_by == mark) {
            return Ok(Some(entry.value.clone()));
        }
        let shared_key = format!("session/{user}/{generation}/{session}");
        let read = self.inner.database.session_user(user, session, generation);
        let found = self.read_shared(&shared_key, &[sessions_of(user)], CREDENTIAL_LIFETIME, read).await?;
        if let Some(found) = &found {
            kept.sessions.keep(key, found.clone(), mark, read_at, 1);
        }
        Ok(found)
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<()> {
        self.inner.database.forget_sessions(now).await
    }
}

#[async_trait]
impl<D: Database> AccountStore for CachedMetadata<D> {
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>> {
        self.inner.database.accounts(filter).await
    }

    async fn one_time_holder(
        &self,
        token: &Sha256Digest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<Option<User>> {
        self.inner.database.one_time_holder(token, purpose, now).await
    }
}

#[async_trait]
impl<D: Database> SessionStore for CachedMetadata<D> {
    async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>> {
        self.inner.database.login_sessions(user, now).await
    }

    async fn touch_sessions(&self, used: &[(UserId, String, Timestamp)]) -> Result<()> {
        self.inner.database.touch_sessions(used).await
    }
}

/// The group in a shared cache of a user's sessions.
pub(super) fn sessions_of(user: UserId) -> String {
    format!("sessions/{user}")
}

#[async_trait]
impl<D: Database> TokenStore for CachedMetadata<D> {
    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>> {
        self.inner.database.tokens(actor, now).await
    }

    async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>> {
        let kept = &self.inner.kept;
        let (mark, read_at) = (kept.credential_mark(), Instant::now());
        let entry = kept.tokens.get(secret, CREDENTIAL_LIFETIME);
        if let Some(entry) = entry.filter(|entry| entry.holds_by == mark && !entry.value.token.is_expired(now)) {
            return Ok(Some(entry.value.clone()));
        }
        let found = self.inner.database.token_holder(secret, now).await?;
        if let Some(found) = &found {
            kept.tokens.keep(*secret, found.clone(), mark, read_at, 1);
        }
        Ok(found)
    }

    async fn touch_tokens(&self, used: &[TokenUse]) -> Result<()> {
        self.inner.database.touch_tokens(used).await
    }
}

#[async_trait]
impl<D: Database> ScopeStore for CachedMetadata<D> {
    async fn scope(&self, name: &ScopeName, sight: &Sight) -> Result<Option<Scope>> {
        self.inner.database.scope(name, sight).await
    }

    async fn scopes_of(&self, user: UserId, limit: usize) -> Result<Vec<(ScopeName, ScopeRole)>> {
        self.inner.database.scopes_of(user, limit).await
    }
}

#[async_trait]
impl<D: Database> AuditLog for CachedMetadata<D> {
    async fn append(&self, entry: &NewAuditEntry) -> Result<()> {
        self.inner.database.append(entry).await
    }

    async fn sequence(&self, limit: usize) -> Result<usize> {
        self.inner.database.sequence(limit).await
    }

    async fn head(&self) -> Result<ChainLink> {
        self.inner.database.head().await
    }

    async fn last_before(&self, before: Timestamp) -> Result<Option<ChainLink>> {
        self.inner.database.last_before(before).await
    }

    async fn delete_entries(&self, through: u64, limit: usize) -> Result<usize> {
        self.inner.database.delete_entries(through, limit).await
    }

    async fn entries_after(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        self.inner.database.entries_after(after, limit).await
    }

    async fn entries(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        self.inner.database.entries(filter).await
    }
}
