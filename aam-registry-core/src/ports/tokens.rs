use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    decide::{NewToken, RevokeToken},
    error::Result,
    types::{Actor, Sha256Digest, Token, TokenId, User},
};

/// Stores API tokens by the digest of their secret.
#[async_trait]
pub trait TokenStore: Debug + Send + Sync + 'static {
    /// Creates a token.
    ///
    /// # Errors
    /// The refusals of [`NewToken::decide`].
    async fn create_token(&self, new: &NewToken) -> Result<()>;

    /// The actor's live tokens, newest first.
    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>>;

    /// Revokes one of the actor's tokens.
    ///
    /// # Errors
    /// The refusals of [`RevokeToken::decide`].
    async fn revoke_token(&self, revocation: &RevokeToken) -> Result<()>;

    /// The token with that secret, if it is neither revoked nor expired at `now` and its user is not
    /// disabled.
    async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>>;

    /// Records when tokens were last used.
    async fn touch_tokens(&self, used: &[(TokenId, Timestamp)]) -> Result<()>;
}

/// A valid token and its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHolder {
    /// The token.
    pub token: Token,
    /// Its user.
    pub user: User,
}
