use async_trait::async_trait;

use super::{MemoryMetadata, tables::Tables};
use crate::{
    error::{Error, Result},
    ports::{AccountActor, AccountChange, AccountFacts, AccountStore, ChangedAccount, RevokedTokens, TokenRevocation},
    types::{AccountFilter, TokenId, User},
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

    async fn change_account(&self, change: &AccountChange) -> Result<ChangedAccount> {
        let mut tables = self.tables();
        let user = tables.user_named(&change.username).ok_or_else(|| Error::UserNotFound(change.username.clone()))?;
        let id = user.id;
        if let AccountActor::Itself(actor) = &change.by
            && tables.require_live(actor, change.now)?.id != id
        {
            return Err(Error::credential_ended());
        }
        let facts = tables.account_facts(change)?;
        let user = facts.account.user.clone();
        let Some((after, audit)) = change.decide(&facts)? else { return Ok(ChangedAccount { user, changed: false }) };
        let user = after.user.clone();
        tables.users.insert(id, after);
        for entry in &audit {
            tables.append(entry);
        }
        Ok(ChangedAccount { user, changed: true })
    }

    async fn revoke_tokens(&self, revocation: &TokenRevocation) -> Result<u64> {
        let mut tables = self.tables();
        let owner = match &revocation.tokens {
            RevokedTokens::Of(username) => {
                let user = tables.user_named(username).ok_or_else(|| Error::UserNotFound(username.clone()))?;
                Some(user.id)
            }
            RevokedTokens::Id(id) => {
                if !tables.tokens.contains_key(id) && !tables.revoked_tokens.contains(id) {
                    return Err(Error::TokenNotFound(*id));
                }
                None
            }
            RevokedTokens::All => None,
        };
        let meant = |id: &TokenId, user| match &revocation.tokens {
            RevokedTokens::Id(wanted) => id == wanted,
            RevokedTokens::Of(_) => owner == Some(user),
            RevokedTokens::All => true,
        };
        let live = tables.tokens.values().filter(|stored| stored.is_live(revocation.now));
        let live = live.map(|stored| (stored.token.id, stored.token.user));
        let revoked: Vec<_> = live.filter(|(id, user)| meant(id, *user)).map(|(id, _)| id).collect();
        for id in &revoked {
            tables.tokens.remove(id);
            tables.revoked_tokens.insert(*id);
        }
        let count = revoked.len() as u64;
        if let Some(entry) = revocation.recorded(count) {
            tables.append(&entry);
        }
        Ok(count)
    }
}

impl Tables {
    fn account_facts(&self, change: &AccountChange) -> Result<AccountFacts> {
        let mut accounts = self.users.values();
        let account = accounts.find(|account| account.user.username == change.username);
        let account = account.ok_or_else(|| Error::UserNotFound(change.username.clone()))?.clone();
        let id = account.user.id;
        let others = || self.users.values().map(|other| &other.user).filter(move |user| user.id != id);
        let email = change.update.email().map(str::to_lowercase);
        Ok(AccountFacts {
            has_other_admin: others().any(|user| user.is_admin && !user.disabled),
            email_taken: email.is_some_and(|email| others().any(|user| user.email.to_lowercase() == email)),
            account,
        })
    }
}
