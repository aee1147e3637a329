use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;

/// Hashes passwords slowly, off the async threads, a bounded number at a time.
#[async_trait]
pub trait PasswordHasher: Debug + Send + Sync + 'static {
    /// The hash of a password, in PHC string format.
    ///
    /// # Errors
    /// [`Overloaded`](crate::Error::Overloaded) where too many wait.
    async fn hash(&self, password: String) -> Result<String>;

    /// Whether `password` is the one behind `hash`. Takes as long without a
    /// hash as with one (and is then `false`), so that time tells nobody
    /// whether an account exists.
    ///
    /// # Errors
    /// [`Overloaded`](crate::Error::Overloaded) where too many wait.
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool>;
}
