//! Trusted publishers, which are never cached: a token ends with its publisher at once.

#![deny(clippy::missing_trait_methods)]

use async_trait::async_trait;
use jiff::Timestamp;

use super::CachedMetadata;
use crate::{
    decide::{PublisherCommand, PublisherQuery, TokenExchange},
    error::Result,
    ports::{Database, PublisherHolder, PublisherStore},
    types::{PackagePublishers, Sha256Digest, TrustedPublisher},
};

#[async_trait]
impl<D: Database> PublisherStore for CachedMetadata<D> {
    async fn change_publisher(&self, command: &PublisherCommand) -> Result<Option<TrustedPublisher>> {
        self.inner.database.change_publisher(command).await
    }

    async fn publishers(&self, query: &PublisherQuery) -> Result<PackagePublishers> {
        self.inner.database.publishers(query).await
    }

    async fn exchange_token(&self, exchange: &TokenExchange) -> Result<TrustedPublisher> {
        self.inner.database.exchange_token(exchange).await
    }

    async fn publisher_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<PublisherHolder>> {
        self.inner.database.publisher_holder(secret, now).await
    }

    async fn forget_publisher_tokens(&self, now: Timestamp) -> Result<()> {
        self.inner.database.forget_publisher_tokens(now).await
    }
}
