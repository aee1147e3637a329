use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    decide::{AccountChange, ChangedAccount, TokenRevocation},
    error::Result,
    types::{AccountFilter, User},
};

/// Changes accounts and ends credentials, for the user whose account it is
/// and for the operator.
#[async_trait]
pub trait AccountStore: Debug + Send + Sync + 'static {
    /// Accounts by username, as the filter says.
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>>;

    /// Makes the change that [`AccountChange::decide`] comes to. From its
    /// commit on a credential that it ends is refused.
    ///
    /// # Errors
    /// What [`AccountChange::decide`] refuses.
    async fn change_account(&self, change: &AccountChange) -> Result<ChangedAccount>;

    /// Revokes API tokens; gives how many of them were alive. Where that is
    /// none, nothing is recorded.
    ///
    /// # Errors
    /// What [`TokenRevocation::decide`] refuses.
    async fn revoke_tokens(&self, revocation: &TokenRevocation) -> Result<u64>;
}
