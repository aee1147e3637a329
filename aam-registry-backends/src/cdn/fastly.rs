use std::time::Duration;

use aam_registry_core::{
    Result,
    ports::{Cdn, JobFailure},
};
use async_trait::async_trait;
use aws_lc_rs::hmac;
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use http::{Request, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{
    InvalidSigningKey, api,
    signing_key::{MacKey, path_of},
};
use crate::outgoing::OutgoingClient;

/// The address of the API.
const API: &str = "https://api.fastly.com";

/// Fastly: purges each URL (`POST /purge/{host}/{path}`), and signs as its documented validation of URL tokens checks:
/// `?token=<end>_<MAC>`, with HMAC-SHA1 over the path and the end.
#[derive(Debug)]
pub struct Fastly {
    client: OutgoingClient,
    api: String,
    token: SecretString,
    key: Option<MacKey>,
}

impl Fastly {
    /// An API token that may purge.
    pub fn new(client: OutgoingClient, token: SecretString) -> Self {
        Self { client, api: API.to_owned(), token, key: None }
    }

    /// Signs URLs with a key in Base64, which the service's VCL has too.
    ///
    /// # Errors
    /// [`InvalidSigningKey`] if it is no Base64, or holds a NUL, which VCL cannot.
    pub fn with_signing_key(mut self, key: &SecretString) -> Result<Self, InvalidSigningKey> {
        let bytes = BASE64.decode(key.expose_secret().trim().as_bytes());
        let bytes = bytes.ok().filter(|bytes| !bytes.is_empty() && !bytes.contains(&0));
        let bytes =
            bytes.ok_or(InvalidSigningKey("must be Base64 of bytes other than 0: `openssl rand -base64 32`"))?;
        self.key = Some(MacKey::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes));
        Ok(self)
    }

    /// Calls another address than that of Fastly's API, for tests.
    #[must_use]
    pub fn with_api(mut self, api: impl Into<String>) -> Self {
        self.api = api.into();
        self
    }
}

#[async_trait]
impl Cdn for Fastly {
    fn most_urls(&self) -> usize {
        10
    }

    async fn purge(&self, urls: &[String], _: &str) -> Result<(), JobFailure> {
        for url in urls {
            let address = url.split_once("://").map_or(url.as_str(), |(_, address)| address);
            let request = Request::post(format!("{}/purge/{address}", self.api))
                .header("Fastly-Key", self.token.expose_secret())
                .header(header::ACCEPT, "application/json")
                .body(Bytes::new())
                .map_err(|_| JobFailure::for_good("cdn.purge_token is no text that a request can have"))?;
            api::send(&self.client, request).await?;
        }
        Ok(())
    }

    fn sign(&self, url: &str, now: Timestamp, lasting: Duration) -> Result<Option<String>> {
        let Some(key) = &self.key else { return Ok(None) };
        let end = now.as_second().saturating_add_unsigned(lasting.as_secs());
        let mac = HEXLOWER.encode(key.sign(&format!("{}{end}", path_of(url))).as_ref());
        Ok(Some(format!("{url}?token={end}_{mac}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::{AllowedNetworks, Outgoing};

    fn fastly() -> Fastly {
        let client = Outgoing::default().client(AllowedNetworks::default(), Duration::from_secs(1)).expect("a client");
        Fastly::new(client, SecretString::from("token"))
    }

    #[test]
    fn the_token_is_the_end_and_the_mac_of_the_path_and_the_end() {
        let signing = fastly().with_signing_key(&SecretString::from("c2VjcmV0IGtleSBvZiBWQ0w=")).expect("a key");
        let now = Timestamp::from_second(1_441_307_151 - 300).expect("an instant");
        let signed = signing.sign("https://cdn.example.com/foo/bar.html", now, Duration::from_mins(5));
        assert_eq!(
            signed.expect("signed").expect("a key"),
            // python3: hmac(b"secret key of VCL", b"/foo/bar.html1441307151", sha1)
            "https://cdn.example.com/foo/bar.html?token=1441307151_12fa4af2e3bfb5f5842934b243d6b4e72e07d5d5"
        );
    }

    #[test]
    fn a_key_that_vcl_cannot_have_is_refused() {
        for key in ["no base64!", "", "AAECAw=="] {
            assert!(fastly().with_signing_key(&SecretString::from(key)).is_err(), "{key}");
        }
    }
}
