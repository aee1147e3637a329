use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    decide::{AccountChange, ChangedAccount, TokenRevocation},
    error::Result,
    types::{AccountFilter, OneTimePurpose, Sha256Digest, User},
};

/// Changes accounts and ends credentials, for the account's user and for the operator.
#[async_trait]
pub trait AccountStore: Debug + Send + Sync + 'static {
    /// The accounts that the filter admits, sorted by username.
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>>;

    /// Applies the decision of [`AccountChange::decide`]. From the commit on, the credentials that it
    /// ends are refused.
    ///
    /// # Errors
    /// The refusals of [`AccountChange::decide`].
    async fn change_account(&self, change: &AccountChange) -> Result<ChangedAccount>;

    /// The account that has a one-time token of that digest and purpose, which has not expired at `now`;
    /// `None` as well if the account is disabled.
    async fn one_time_holder(
        &self,
        token: &Sha256Digest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<Option<User>>;

    /// Revokes API tokens; returns how many of them were valid. If none were, nothing is recorded.
    ///
    /// # Errors
    /// The refusals of [`TokenRevocation::decide`].
    async fn revoke_tokens(&self, revocation: &TokenRevocation) -> Result<u64>;
}
