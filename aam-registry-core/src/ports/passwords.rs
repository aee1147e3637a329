use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;

/// Hashes passwords slowly, on other threads than the async ones, a limited number at a time.
#[async_trait]
pub trait PasswordHasher: Debug + Send + Sync + 'static {
    /// The hash of a password, in PHC string format.
    ///
    /// # Errors
    /// [`Overloaded`](crate::Error::Overloaded) if too many callers wait.
    async fn hash(&self, password: String) -> Result<String>;

    /// Whether `hash` is the hash of `password`. Without a hash it takes equally long and returns
    /// `false`, so that the time does not reveal whether an account exists.
    ///
    /// # Errors
    /// [`Overloaded`](crate::Error::Overloaded) if too many callers wait.
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool>;
}
