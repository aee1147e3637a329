use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;

/// The signature of a report by a secret scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScannerSignature<'a> {
    /// The id of the key that it was made with.
    pub key: &'a str,
    /// The signature, in base64.
    pub signature: &'a str,
}

/// Checks who signed a report of leaked tokens.
#[async_trait]
pub trait ScannerSignatures: Debug + Send + Sync + 'static {
    /// Requires that a secret scanner which the operator trusts has signed `body`, byte for byte.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden) for another signature;
    /// [`Error::ScannerKeysUnavailable`](crate::Error::ScannerKeysUnavailable) where the keys cannot be had.
    async fn check(&self, body: &[u8], signature: ScannerSignature<'_>, now: Timestamp) -> Result<()>;
}
