use std::{path::PathBuf, time::Duration};

use crate::outgoing::{AllowedNetworks, Outgoing, OutgoingClient};

/// The most bytes of a list of keys.
const MAX_SIZE: usize = 256 << 10;
/// How long the list may take. Whoever reports a token waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the keys of secret scanners are had from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// An address.
    Http {
        /// The address.
        url: String,
        /// What it is fetched by.
        client: OutgoingClient,
    },
}

impl KeySource {
    /// Reads a URL or a path. The operator names it, so it may be on any network.
    ///
    /// # Errors
    /// As for [`Outgoing::client`].
    pub fn parse(text: &str, outgoing: &Outgoing) -> aam_registry_core::Result<Self> {
        if text.starts_with("https://") || text.starts_with("http://") {
            let client = outgoing.client(AllowedNetworks::all(), TIMEOUT)?;
            return Ok(Self::Http { url: text.to_owned(), client });
        }
        Ok(Self::File(text.into()))
    }

    /// The list; else why it cannot be had, for the log.
    pub(super) async fn get(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::File(path) => {
                tokio::fs::read(path).await.map_err(|error| format!("{} cannot be read: {error}", path.display()))
            }
            Self::Http { url, client } => {
                let answer = client.get(url).await.map_err(|error| format!("{url}: {error}"))?;
                if !answer.status().is_success() {
                    return Err(format!("{url} answers {}", answer.status()));
                }
                Ok(answer.body(MAX_SIZE).await.map_err(|error| format!("{url}: {error}"))?.to_vec())
            }
        }
    }
}
