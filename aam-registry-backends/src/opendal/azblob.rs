use aam_registry_core::Result;
use opendal::{Operator, services::Azblob};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Patience,
    failure::storage_error,
    remote::Remote,
    transport::{Absence, CheckedTransport},
};
use crate::outgoing::Outgoing;

/// A container of Azure Blob Storage for archives.
///
/// Without an [account key](Self::with_account_key) the credential is taken from the usual Azure
/// sources: the environment, a workload identity, the machine's managed identity. Presigned links need
/// the account key.
///
/// The remains of unfinished writes cannot be listed here; Azure removes them after a week.
#[derive(Clone, Debug)]
pub struct AzblobConfig {
    container: String,
    account: String,
    endpoint: Option<String>,
    prefix: String,
    account_key: Option<SecretString>,
    patience: Patience,
    outgoing: Outgoing,
}

impl AzblobConfig {
    /// A container of a storage account, with a credential from the usual Azure sources.
    pub fn new(account: impl Into<String>, container: impl Into<String>) -> Self {
        Self {
            container: container.into(),
            account: account.into(),
            endpoint: None,
            prefix: String::new(),
            account_key: None,
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

    /// Sets the endpoint of the store; `https://<account>.blob.core.windows.net` by default.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets the key of the account, in base64.
    #[must_use]
    pub fn with_account_key(mut self, key: SecretString) -> Self {
        self.account_key = Some(key);
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

    /// Builds the client for the container; sends nothing yet.
    pub(super) fn connect(&self) -> Result<Remote> {
        let of_account = || format!("https://{}.blob.core.windows.net", self.account);
        let endpoint = self.endpoint.clone().unwrap_or_else(of_account);
        let mut service = Azblob::default()
            .container(&self.container)
            .account_name(&self.account)
            .endpoint(&endpoint)
            .root(&self.prefix);
        if let Some(key) = &self.account_key {
            service = service.account_key(key.expose_secret());
        }
        let operator = Operator::new(service).map_err(storage_error)?;
        let transport =
            CheckedTransport::connect(&self.outgoing, &self.patience, Absence::Any).map_err(storage_error)?;
        Ok(Remote::new(operator, transport, &self.patience))
    }
}
