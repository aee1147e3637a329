use aam_registry_core::Result;
use opendal::{Operator, services::Azblob};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Patience,
    failure::storage_error,
    remote::Remote,
    transport::{Absence, CheckedTransport},
};

/// Which container of Azure Blob Storage keeps the archives.
///
/// Without an [account key](Self::with_account_key) a credential is looked
/// for where Azure puts it: the environment, a workload identity, the
/// machine's managed identity. Presigned links need the account key.
///
/// What unfinished writers leave cannot be listed here; Azure removes it
/// after a week.
#[derive(Clone, Debug)]
pub struct AzblobConfig {
    container: String,
    account: String,
    endpoint: Option<String>,
    prefix: String,
    account_key: Option<SecretString>,
    patience: Patience,
}

impl AzblobConfig {
    /// A container of a storage account, with a credential as Azure puts it.
    pub fn new(account: impl Into<String>, container: impl Into<String>) -> Self {
        Self {
            container: container.into(),
            account: account.into(),
            endpoint: None,
            prefix: String::new(),
            account_key: None,
            patience: Patience::default(),
        }
    }

    /// Sets what all keys start with, such as `registry/`; nothing by default.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets where the store is reached; `https://<account>.blob.core.windows.net` by default.
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

    /// Sets how long the store is waited for.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Makes ready to use the container; nothing is sent yet.
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
        let transport = CheckedTransport::connect(&self.patience, Absence::Any).map_err(storage_error)?;
        Ok(Remote::new(operator, transport, &self.patience))
    }
}
