use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    MemoryMetadata,
    tables::{StoredToken, Tables},
};
use crate::{
    decide::{AccountChange, AccountFacts, CallerFacts, RevokedTokens, TokenRevocation, TokenRevocationFacts},
    error::Result,
    ports::AccountStore,
    types::{AccountFilter, OneTimePurpose, OneTimeToken, Sha256Digest, User},
};

#[async_trait]
impl AccountStore for MemoryMetadata {
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>> {
        let tables = self.tables();
        let users = tables.users.values().map(|account| &account.user);
        let mut users: Vec<_> = users.filter(|user| filter.admits(user)).cloned().collect();
        users.sort_by(|a, b| a.username.cmp(&b.username));
        users.truncate(filter.limit);
        Ok(users)
    }

    async fn one_time_holder(
        &self,
        digest: &Sha256Digest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<Option<User>> {
        let tables = self.tables();
        let found = tables
            .one_time_tokens
            .iter()
            .find(|(_, token)| token.digest == *digest && token.purpose == purpose && token.is_live(now));
        let user = found.and_then(|(user, _)| tables.users.get(user)).map(|account| account.user.clone());
        Ok(user.filter(|user| !user.disabled))
    }
}

impl Tables {
    pub(super) fn account_facts(&self, change: &AccountChange) -> AccountFacts {
        let account = self.users.values().find(|account| account.user.username == change.username).cloned();
        let id = account.as_ref().map(|account| account.user.id);
        let own_tokens =
            || self.one_time_tokens.iter().filter(move |(user, _)| Some(*user) == id).map(|(_, token)| token);
        let others = || self.users.values().map(|other| &other.user).filter(move |user| Some(user.id) != id);
        let email = change.update.email().map(str::to_lowercase);
        AccountFacts {
            caller: change.actor().map_or_else(CallerFacts::default, |actor| self.caller(actor)),
            one_time: change
                .used_token()
                .and_then(|digest| own_tokens().find(|token| token.digest == *digest))
                .copied(),
            one_time_tokens: match change.update.token_purpose() {
                Some(purpose) => {
                    let counted = |token: &&OneTimeToken| token.purpose == purpose && token.is_live(change.now);
                    own_tokens().filter(counted).count() as u64
                }
                None => 0,
            },
            has_other_admin: others().any(User::administers),
            email_taken: email.is_some_and(|email| others().any(|user| user.email.to_lowercase() == email)),
            account,
        }
    }

    pub(super) fn revocation_facts(&self, revocation: &TokenRevocation) -> TokenRevocationFacts {
        let owner = match &revocation.tokens {
            RevokedTokens::Of(username) => self.user_named(username).map(|user| user.id),
            _ => None,
        };
        let exists = match &revocation.tokens {
            RevokedTokens::Id(id) => self.tokens.contains_key(id) || self.revoked_tokens.contains(id),
            RevokedTokens::Of(_) => owner.is_some(),
            RevokedTokens::All => true,
        };
        let meant = |stored: &&StoredToken| match &revocation.tokens {
            RevokedTokens::Id(wanted) => stored.token.id == *wanted,
            RevokedTokens::Of(_) => owner == Some(stored.token.user),
            RevokedTokens::All => true,
        };
        let live = self.tokens.values().filter(meant).filter(|stored| !stored.token.is_expired(revocation.now));
        TokenRevocationFacts { exists, live: live.map(|stored| stored.token.id).collect() }
    }
}
