use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    error::Result,
    types::{Actor, Sha256Digest, Token, TokenUse, User},
};

/// Stores API tokens by the digest of their secret.
#[async_trait]
pub trait TokenStore: Debug + Send + Sync + 'static {
    /// The actor's live tokens, newest first.
    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>>;

    /// The token with that secret, if it is neither revoked nor expired at `now` and its user is not
    /// disabled.
    async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>>;

    /// Records when, and from where, tokens were last used.
    async fn touch_tokens(&self, used: &[TokenUse]) -> Result<()>;
}

/// A valid token and its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHolder {
    /// The token.
    pub token: Token,
    /// Its user.
    pub user: User,
}
