use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    error::Result,
    types::{AccountFilter, OneTimePurpose, Sha256Digest, User},
};

/// Changes accounts and ends credentials, for the account's user and for the operator.
#[async_trait]
pub trait AccountStore: Debug + Send + Sync + 'static {
    /// The accounts that the filter admits, sorted by username.
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>>;

    /// The account that has a one-time token of that digest and purpose, which has not expired at `now`;
    /// `None` as well if the account is disabled.
    async fn one_time_holder(
        &self,
        token: &Sha256Digest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<Option<User>>;
}
