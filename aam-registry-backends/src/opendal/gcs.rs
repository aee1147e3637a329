use aam_registry_core::Result;
use opendal::{Operator, services::Gcs};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Patience,
    failure::storage_error,
    remote::Remote,
    transport::{Absence, CheckedTransport},
};
use crate::outgoing::Outgoing;

/// A bucket of Google Cloud Storage for archives.
///
/// Without a [credential](Self::with_credential) it is taken from the usual Google sources: the file
/// that `GOOGLE_APPLICATION_CREDENTIALS` names, the user's, the machine's. Presigned links need the key
/// of a service account.
///
/// The remains of unfinished writes cannot be listed here; set a lifecycle rule on the bucket
/// (`AbortIncompleteMultipartUpload`) that removes them.
#[derive(Clone, Debug)]
pub struct GcsConfig {
    bucket: String,
    prefix: String,
    endpoint: Option<String>,
    credential: Option<SecretString>,
    patience: Patience,
    outgoing: Outgoing,
}

impl GcsConfig {
    /// A bucket, with a credential from the usual Google sources.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            endpoint: None,
            credential: None,
            patience: Patience::default(),
            outgoing: Outgoing::default(),
        }
    }

    /// Sets the prefix of all keys, such as `registry/`; empty by default.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the endpoint of the store; Google's by default.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets the key of a service account: its JSON file in base64. No other source is used then.
    #[must_use]
    pub fn with_credential(mut self, credential: SecretString) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Sets the time-outs and retries.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the proxy for `https` endpoints and the certificate authorities to trust.
    #[must_use]
    pub fn with_outgoing(mut self, outgoing: Outgoing) -> Self {
        self.outgoing = outgoing;
        self
    }

    /// Builds the client for the bucket; sends nothing yet.
    pub(super) fn connect(&self) -> Result<Remote> {
        let mut service = Gcs::default().bucket(&self.bucket).root(&self.prefix);
        if let Some(endpoint) = &self.endpoint {
            service = service.endpoint(endpoint);
        }
        if let Some(credential) = &self.credential {
            service = service.credential(credential.expose_secret()).disable_config_load().disable_vm_metadata();
        }
        let operator = Operator::new(service).map_err(storage_error)?;
        let transport =
            CheckedTransport::connect(&self.outgoing, &self.patience, Absence::Any).map_err(storage_error)?;
        Ok(Remote::new(operator, transport, &self.patience))
    }
}
