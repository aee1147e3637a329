use std::{fmt::Debug, time::Duration};

use aam_registry_core::{Error, Result};
use async_trait::async_trait;
use reqwest::{Client, redirect::Policy};

/// How long an issuer has to answer, its name and the connection included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of a document.
const MAX_SIZE: usize = 256 << 10;

/// Fetches the documents that issuers publish.
#[async_trait]
pub trait DocumentSource: Debug + Send + Sync + 'static {
    /// The document at `url`, which is limited in size and time.
    ///
    /// # Errors
    /// Why it cannot be had, for the log.
    async fn get(&self, url: &str) -> std::result::Result<Vec<u8>, String>;
}

/// Fetches documents by HTTP: at most 256 KiB, within five seconds, following no redirect.
#[derive(Clone, Debug)]
pub struct HttpDocuments {
    client: Client,
}

impl HttpDocuments {
    /// Trusts the certificates of the system, and goes through the proxy of the environment.
    ///
    /// # Errors
    /// Where the certificates of the system cannot be read.
    pub fn new() -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("aam-registry/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .referer(false)
            .timeout(TIMEOUT)
            .build()
            .map_err(Error::internal)?;
        Ok(Self { client })
    }
}

#[async_trait]
impl DocumentSource for HttpDocuments {
    async fn get(&self, url: &str) -> std::result::Result<Vec<u8>, String> {
        let mut answer = self.client.get(url).send().await.map_err(|error| reason(&error))?;
        if !answer.status().is_success() {
            return Err(format!("{url} answers {}", answer.status()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error))? {
            if document.len() + chunk.len() > MAX_SIZE {
                return Err(format!("{url} is larger than {MAX_SIZE} bytes"));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}

/// An error with its causes.
fn reason(error: &reqwest::Error) -> String {
    let error: &(dyn std::error::Error + 'static) = error;
    let mut texts: Vec<_> =
        std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}
