//! The queue of jobs, the webhooks of scopes and trusted publishers, which are never cached.

#![deny(clippy::missing_trait_methods)]

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::CachedMetadata;
use crate::{
    decide::{PublisherCommand, PublisherQuery, TokenExchange, WebhookCommand, WebhookReport},
    error::Result,
    ports::{Database, JobQueue, PublisherHolder, PublisherStore, WebhookStore},
    types::{
        Job, JobEnd, JobFigures, JobFilter, JobLease, JobSelection, LeasedJob, NewJob, PackagePublishers, Page,
        ScopeName, ScopeWebhook, Sha256Digest, StoredWebhook, TrustedPublisher, WebhookId,
    },
};

#[async_trait]
impl<D: Database> JobQueue for CachedMetadata<D> {
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<()> {
        self.inner.database.enqueue(jobs).await
    }

    async fn due_kinds(&self) -> Result<Vec<String>> {
        self.inner.database.due_kinds().await
    }

    async fn lease_jobs(&self, kind: &str, limit: usize, lease: JobLease, lasting: Duration) -> Result<Vec<LeasedJob>> {
        self.inner.database.lease_jobs(kind, limit, lease, lasting).await
    }

    async fn finish_job(&self, leased: &LeasedJob, end: &JobEnd) -> Result<bool> {
        self.inner.database.finish_job(leased, end).await
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        self.inner.database.jobs(filter).await
    }

    async fn retry_jobs(&self, which: &JobSelection) -> Result<u64> {
        self.inner.database.retry_jobs(which).await
    }

    async fn drop_jobs(&self, which: &JobSelection) -> Result<u64> {
        self.inner.database.drop_jobs(which).await
    }

    async fn forget_jobs(&self, prefix: &str, ended_for: Duration, limit: usize) -> Result<u64> {
        self.inner.database.forget_jobs(prefix, ended_for, limit).await
    }

    async fn job_figures(&self) -> Result<Vec<JobFigures>> {
        self.inner.database.job_figures().await
    }
}

#[async_trait]
impl<D: Database> WebhookStore for CachedMetadata<D> {
    async fn change_webhook(&self, command: &WebhookCommand) -> Result<ScopeWebhook> {
        self.inner.database.change_webhook(command).await
    }

    async fn report_delivery(&self, report: &WebhookReport) -> Result<Option<ScopeWebhook>> {
        self.inner.database.report_delivery(report).await
    }

    async fn webhooks(&self, scope: &ScopeName) -> Result<Vec<ScopeWebhook>> {
        self.inner.database.webhooks(scope).await
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<StoredWebhook>> {
        self.inner.database.webhook(id).await
    }
}

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
