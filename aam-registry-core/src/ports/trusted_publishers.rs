use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    decide::PublisherToken,
    error::Result,
    types::{IdToken, Issuer, PackageName, Username},
};

/// A token of a trusted publisher, which may have expired, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherHolder {
    /// The token.
    pub token: PublisherToken,
    /// The package that it may publish.
    pub package: PackageName,
    /// Who added the publisher; `None` if the account is gone.
    pub added_by: Option<Username>,
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
