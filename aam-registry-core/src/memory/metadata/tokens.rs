use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryMetadata, tables::Tables};
use crate::{
    error::Result,
    ports::{TokenHolder, TokenStore},
    types::{Actor, Sha256Digest, Token, TokenId, TokenNotice, TokenUse},
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

    async fn touch_tokens(&self, used: &[TokenUse]) -> Result<()> {
        let mut tables = self.tables();
        for TokenUse { token, at, from } in used {
            if let Some(stored) = tables.tokens.get_mut(token).filter(|stored| stored.token.last_used_at < Some(*at)) {
                (stored.token.last_used_at, stored.token.last_used_from) = (Some(*at), *from);
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

impl Tables {
    /// The tokens whose users are to be told something.
    pub(super) fn tokens_to_tell_of(&self, now: Timestamp) -> Vec<(TokenHolder, TokenNotice)> {
        let mut found = Vec::new();
        for stored in self.tokens.values().filter(|stored| !stored.token.is_expired(now)) {
            let token = &stored.token;
            let ends = |end: Timestamp| end <= now + TokenNotice::AHEAD && token.created_at < end - TokenNotice::AHEAD;
            let due =
                [(TokenNotice::Ending, token.expires_at.is_some_and(ends)), (TokenNotice::Stale, token.is_stale(now))];
            let user = self.users.get(&token.user).map(|account| &account.user).filter(|user| !user.disabled);
            let Some(user) = user else { continue };
            for (notice, _) in due.into_iter().filter(|(notice, is_due)| *is_due && self.is_untold(token.id, *notice)) {
                found.push((TokenHolder { token: token.clone(), user: user.clone() }, notice));
            }
        }
        found.truncate(100);
        found
    }

    /// Whether a token is there and that notice was not told.
    pub(super) fn is_untold(&self, token: TokenId, notice: TokenNotice) -> bool {
        self.tokens.contains_key(&token) && !self.token_notices.contains(&(token, notice))
    }
}
