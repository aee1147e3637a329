use std::time::Duration;

use aam_registry_core::{
    Result,
    ports::{Cdn, JobFailure},
};
use async_trait::async_trait;
use aws_lc_rs::hmac;
use bytes::Bytes;
use data_encoding::BASE64;
use http::{Request, header};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{api, signing_key::MacKey};
use crate::outgoing::OutgoingClient;

/// The address of the API.
const API: &str = "https://api.cloudflare.com/client/v4";

/// Cloudflare: purges by URL (`POST /zones/{zone}/purge_cache`), and signs as its rules function
/// `is_timed_hmac_valid_v0` checks: `?verify=<issued>-<MAC>`, with HMAC-SHA256 over the path and the time of issue.
#[derive(Debug)]
pub struct Cloudflare {
    client: OutgoingClient,
    api: String,
    zone: String,
    token: SecretString,
    key: Option<MacKey>,
}

impl Cloudflare {
    /// The zone with that id, and an API token that may purge its cache.
    pub fn new(client: OutgoingClient, zone: impl Into<String>, token: SecretString) -> Self {
        Self { client, api: API.to_owned(), zone: zone.into(), token, key: None }
    }

    /// Signs URLs with that secret, which the rule of the zone has too. The rule says how long they work.
    #[must_use]
    pub fn with_signing_key(mut self, secret: &SecretString) -> Self {
        self.key = Some(MacKey::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes()));
        self
    }

    /// Calls another address than that of Cloudflare's API, for tests.
    #[must_use]
    pub fn with_api(mut self, api: impl Into<String>) -> Self {
        self.api = api.into();
        self
    }
}

#[async_trait]
impl Cdn for Cloudflare {
    fn most_urls(&self) -> usize {
        30
    }

    async fn purge(&self, urls: &[String], _: &str) -> Result<(), JobFailure> {
        let request = Request::post(format!("{}/zones/{}/purge_cache", self.api, self.zone))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(json!({ "files": urls }).to_string()))
            .map_err(|_| JobFailure::for_good("cdn.zone or cdn.purge_token is no text that a request can have"))?;
        api::send(&self.client, request).await.map(drop)
    }

    fn sign(&self, url: &str, now: Timestamp, _: Duration) -> Result<Option<String>> {
        let Some(key) = &self.key else { return Ok(None) };
        let issued = now.as_second();
        let mac = BASE64.encode(key.sign(&format!("{}{issued}", super::signing_key::path_of(url))).as_ref());
        let mac = utf8_percent_encode(&mac, NON_ALPHANUMERIC);
        Ok(Some(format!("{url}?verify={issued}-{mac}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cdn::signing_key::path_of;

    #[test]
    fn the_token_is_the_mac_of_the_path_and_the_time_of_issue() {
        let key = MacKey::new(hmac::HMAC_SHA256, b"mysecrettoken");
        let mac =
            BASE64.encode(key.sign(&format!("{}1484063787", path_of("https://example.com/download/cat.jpg"))).as_ref());
        // python3: base64(hmac(b"mysecrettoken", b"/download/cat.jpg1484063787", sha256))
        assert_eq!(mac, "MwxCdsONqMcO9hMLnzWdUiUSLr735AOCGoivbkwKqEI=");
    }
}
