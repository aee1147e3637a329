use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    decide::{PublisherCommand, PublisherQuery, PublisherToken, TokenExchange},
    error::Result,
    types::{IdToken, Issuer, PackageName, PackagePublishers, Sha256Digest, TrustedPublisher},
};

/// Stores trusted publishers, their tokens, and which ID tokens were used.
#[async_trait]
pub trait PublisherStore: Debug + Send + Sync + 'static {
    /// Adds or removes a trusted publisher, or says whether they alone may publish. Gives the publisher
    /// that was added or removed.
    ///
    /// # Errors
    /// The refusals of [`PublisherCommand::decide`].
    async fn change_publisher(&self, command: &PublisherCommand) -> Result<Option<TrustedPublisher>>;

    /// The trusted publishers of a package that the actor may see.
    ///
    /// # Errors
    /// The refusals of [`PublisherQuery::decide`].
    async fn publishers(&self, query: &PublisherQuery) -> Result<PackagePublishers>;

    /// Swaps an ID token for a token of the trusted publisher that it is of; gives the publisher. Of
    /// swaps of one ID token at the same time one succeeds.
    ///
    /// # Errors
    /// The refusals of [`TokenExchange::decide`].
    async fn exchange_token(&self, exchange: &TokenExchange) -> Result<TrustedPublisher>;

    /// The token of a trusted publisher with that secret, if it has not expired at `now` and the
    /// publisher was not removed.
    async fn publisher_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<PublisherHolder>>;

    /// Forgets tokens of publishers that have expired, and used ID tokens that nobody would take any more.
    async fn forget_publisher_tokens(&self, now: Timestamp) -> Result<()>;
}

/// A valid token of a trusted publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherHolder {
    /// The token.
    pub token: PublisherToken,
    /// The package that it may publish.
    pub package: PackageName,
}

/// Verifies ID tokens of the issuers that the operator trusts.
#[async_trait]
pub trait IdTokenVerifier: Debug + Send + Sync + 'static {
    /// Checks the signature of a token against the keys that its issuer publishes, and its claims by
    /// [`IdTokenRules`](crate::decide::IdTokenRules) at `now`.
    ///
    /// # Errors
    /// An [`IdTokenFault`](crate::decide::IdTokenFault) as
    /// [`Error::Unauthorized`](crate::Error::Unauthorized);
    /// [`Error::IssuerUnavailable`](crate::Error::IssuerUnavailable) where the keys cannot be fetched.
    async fn verify(&self, token: &str, now: Timestamp) -> Result<IdToken>;

    /// The issuers whose tokens are taken.
    fn issuers(&self) -> Vec<Issuer>;

    /// The audience that tokens have to be for.
    fn audience(&self) -> String;
}
