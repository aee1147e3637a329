use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use crate::outgoing::OutgoingClient;

/// The most bytes of a document.
const MAX_SIZE: usize = 256 << 10;

/// Fetches the documents that issuers publish.
#[async_trait]
pub trait DocumentSource: Debug + Send + Sync + 'static {
    /// The document at `url`, which is limited in size and time.
    ///
    /// # Errors
    /// Why it cannot be had, for the log.
    async fn get(&self, url: &str) -> Result<Vec<u8>, String>;
}

/// Fetches documents of at most 256 KiB by HTTP.
#[derive(Clone, Debug)]
pub struct HttpDocuments {
    client: OutgoingClient,
}

impl HttpDocuments {
    /// How long an issuer should have to answer: what [`Outgoing::client`](crate::outgoing::Outgoing::client)
    /// takes. Whoever shows an ID token waits for it.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// Fetches by `client`. Issuers are named by the operator, so they may be on private networks.
    pub fn new(client: OutgoingClient) -> Self {
        Self { client }
    }
}

#[async_trait]
impl DocumentSource for HttpDocuments {
    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let answer = self.client.get(url).await.map_err(|error| format!("{url}: {error}"))?;
        if !answer.status().is_success() {
            return Err(format!("{url} answers {}", answer.status()));
        }
        Ok(answer.body(MAX_SIZE).await.map_err(|error| format!("{url}: {error}"))?.to_vec())
    }
}
