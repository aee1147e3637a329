use std::{fmt::Debug, time::Duration};

use aam_registry_core::types::Issuer;
use async_trait::async_trait;
use http::Uri;

use crate::outgoing::{AllowedNetworks, Outgoing, OutgoingClient};

/// The most bytes of a document.
const MAX_SIZE: usize = 256 << 10;
/// How long an issuer has to answer. Whoever shows an ID token waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches the documents that issuers publish.
#[async_trait]
pub trait DocumentSource: Debug + Send + Sync + 'static {
    /// The document of `issuer` at `url`, which is limited in size and time. The address may be one that the issuer
    /// named.
    ///
    /// # Errors
    /// Why it cannot be had, for the log.
    async fn get(&self, issuer: &Issuer, url: &str) -> Result<Vec<u8>, String>;
}

/// Fetches documents of at most 256 KiB by HTTP, within 5 seconds.
///
/// The operator named the issuer, so the issuer may be on a private network. Any other host was named by the issuer,
/// and is called on public networks only.
#[derive(Clone, Debug)]
pub struct HttpDocuments {
    of_issuers: OutgoingClient,
    of_others: OutgoingClient,
}

impl HttpDocuments {
    /// Fetches by clients of `outgoing`.
    ///
    /// # Errors
    /// As for [`Outgoing::client`].
    pub fn new(outgoing: &Outgoing) -> aam_registry_core::Result<Self> {
        Ok(Self {
            of_issuers: outgoing.client(AllowedNetworks::all(), TIMEOUT)?,
            of_others: outgoing.client(AllowedNetworks::default(), TIMEOUT)?,
        })
    }
}

#[async_trait]
impl DocumentSource for HttpDocuments {
    async fn get(&self, issuer: &Issuer, url: &str) -> Result<Vec<u8>, String> {
        let client = if is_of_issuer(issuer, url) { &self.of_issuers } else { &self.of_others };
        let answer = client.get(url).await.map_err(|error| format!("{url}: {error}"))?;
        if !answer.status().is_success() {
            return Err(format!("{url} answers {}", answer.status()));
        }
        Ok(answer.body(MAX_SIZE).await.map_err(|error| format!("{url}: {error}"))?.to_vec())
    }
}

/// Whether an address is on the issuer's own host and port, by the same scheme.
fn is_of_issuer(issuer: &Issuer, url: &str) -> bool {
    let origin = |text: &str| {
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?.as_str().to_lowercase();
        Some((uri.scheme_str()?.to_owned(), authority))
    };
    origin(issuer.as_str()).is_some_and(|of_issuer| origin(url) == Some(of_issuer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_that_the_operator_named_may_be_on_a_private_network() {
        let issuer = Issuer::parse("https://git.internal:8443/a").expect("an issuer");
        assert!(is_of_issuer(&issuer, "https://Git.internal:8443/oauth/keys"));
        for other in [
            "https://git.internal/keys",
            "http://git.internal:8443/keys",
            "https://git.internal:8443@169.254.169.254/keys",
            "https://169.254.169.254/keys",
            "keys",
        ] {
            assert!(!is_of_issuer(&issuer, other), "{other}");
        }
    }
}
