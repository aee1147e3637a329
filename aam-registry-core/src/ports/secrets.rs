use std::fmt::Debug;

use crate::{error::Result, types::SealedSecret};

/// Encrypts secrets that have to be read again, so that a copy of the database does not show them.
pub trait SecretSealer: Debug + Send + Sync + 'static {
    /// Encrypts `secret`. `context` says whose secret it is: with another one it is not opened.
    ///
    /// # Errors
    /// An error of [`Error::internal`](crate::Error::internal).
    fn seal(&self, secret: &str, context: &str) -> Result<SealedSecret>;

    /// Decrypts what [`seal`](Self::seal) made with the same `context`.
    ///
    /// # Errors
    /// An error of [`Error::internal`](crate::Error::internal) where no key that is in use fits.
    fn open(&self, sealed: &SealedSecret, context: &str) -> Result<String>;
}
