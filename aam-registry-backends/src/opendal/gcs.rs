use aam_registry_core::Result;
use opendal::{Operator, services::Gcs};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Patience,
    failure::storage_error,
    remote::Remote,
    transport::{Absence, CheckedTransport},
};

/// Which bucket of Google Cloud Storage keeps the archives.
///
/// Without a [credential](Self::with_credential) one is looked for where
/// Google puts it: the file that `GOOGLE_APPLICATION_CREDENTIALS` names, the
/// user's, the machine's. Presigned links need the key of a service account.
///
/// What unfinished writers leave cannot be listed here; a lifecycle rule of
/// the bucket (`AbortIncompleteMultipartUpload`) removes it.
#[derive(Clone, Debug)]
pub struct GcsConfig {
    bucket: String,
    prefix: String,
    endpoint: Option<String>,
    credential: Option<SecretString>,
    patience: Patience,
}

impl GcsConfig {
    /// A bucket, with a credential as Google puts it.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            endpoint: None,
            credential: None,
            patience: Patience::default(),
        }
    }

    /// Sets what all keys start with, such as `registry/`; nothing by default.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets where the store is reached; Google by default.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets the key of a service account: its JSON file in base64. Nothing is then looked for elsewhere.
    #[must_use]
    pub fn with_credential(mut self, credential: SecretString) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Sets how long the store is waited for.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Makes ready to use the bucket; nothing is sent yet.
    pub(super) fn connect(&self) -> Result<Remote> {
        let mut service = Gcs::default().bucket(&self.bucket).root(&self.prefix);
        if let Some(endpoint) = &self.endpoint {
            service = service.endpoint(endpoint);
        }
        if let Some(credential) = &self.credential {
            service = service.credential(credential.expose_secret()).disable_config_load().disable_vm_metadata();
        }
        let operator = Operator::new(service).map_err(storage_error)?;
        let transport = CheckedTransport::connect(&self.patience, Absence::Any).map_err(storage_error)?;
        Ok(Remote::new(operator, transport, &self.patience))
    }
}
