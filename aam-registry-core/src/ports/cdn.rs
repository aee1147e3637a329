use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::JobFailure;
use crate::error::Result;

/// A CDN in front of the registry: how it is told to forget something, and how a URL is signed for it.
#[async_trait]
pub trait Cdn: Debug + Send + Sync + 'static {
    /// How many addresses one [`purge`](Self::purge) takes.
    fn most_urls(&self) -> usize;

    /// Makes the CDN forget what it has cached under these absolute URLs. Does it once for one `id`, however often it
    /// is asked, where the CDN can tell.
    ///
    /// # Errors
    /// What the CDN answers, without secrets, and whether to try again.
    async fn purge(&self, urls: &[String], id: &str) -> Result<(), JobFailure>;

    /// The URL with what makes the CDN answer it from `now` on for at least `lasting`; `None` if URLs are not signed.
    ///
    /// # Errors
    /// An internal error if the key cannot sign.
    fn sign(&self, url: &str, now: Timestamp, lasting: Duration) -> Result<Option<String>>;
}
