use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryMetadata, tables::Tables};
use crate::{
    error::Result,
    ports::{TokenHolder, TokenStore},
    types::{Actor, Sha256Digest, Token, TokenId},
};

#[async_trait]
impl TokenStore for MemoryMetadata {
    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>> {
        let tables = self.tables();
        let own =
            tables.tokens.values().filter(|stored| stored.token.user == actor.user && !stored.token.is_expired(now));
        let mut tokens: Vec<_> = own.map(|stored| stored.token.clone()).collect();
        tokens.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(b.id.cmp(&a.id)));
        Ok(tokens)
    }

    async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>> {
        let tables = self.tables();
        let stored = tables.tokens.values().find(|stored| stored.secret == *secret && !stored.token.is_expired(now));
        Ok(stored.and_then(|stored| {
            let account = tables.users.get(&stored.token.user).filter(|account| !account.user.disabled)?;
            Some(TokenHolder { token: stored.token.clone(), user: account.user.clone() })
        }))
    }

    async fn touch_tokens(&self, used: &[(TokenId, Timestamp)]) -> Result<()> {
        let mut tables = self.tables();
        for (id, at) in used {
            if let Some(stored) = tables.tokens.get_mut(id) {
                stored.token.last_used_at = stored.token.last_used_at.max(Some(*at));
            }
        }
        Ok(())
    }
}

impl Tables {
    /// The token with that secret, and its user.
    pub(super) fn token_of_secret(&self, secret: &Sha256Digest) -> Option<TokenHolder> {
        let stored = self.tokens.values().find(|stored| stored.secret == *secret)?;
        let user = self.users.get(&stored.token.user)?.user.clone();
        Some(TokenHolder { token: stored.token.clone(), user })
    }
}
