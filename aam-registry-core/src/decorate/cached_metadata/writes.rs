//! Changes, and the notifications about them.

#![deny(clippy::missing_trait_methods)]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tracing::Instrument;

use super::{CachedMetadata, accounts::sessions_of};
use crate::{
    decide::{Invalidation, PublishCheck, PublishCommit, Published, Request},
    error::{Error, Outcome, Result},
    ports::{CommandHandler, Database, DownloadStore, PublishStore, QueryHandler, QueryRequest},
    types::{Change, DayDownloads, DownloadBatch, DownloadQuery, NewUpload, Upload, UploadId, UserId},
};

impl<D: Database> CachedMetadata<D> {
    /// Makes a change, and notifies others of it before it returns. Memberships are read again after it: the
    /// change may be one of owners, members or visibility.
    async fn changing<T, F>(&self, change: Change, make: impl FnOnce(Arc<D>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let work = make(Arc::clone(&inner.database));
        whole(async move {
            let result = work.await;
            if may_have_changed(&result) {
                let around = &inner.around;
                inner.kept.doubt_memberships();
                around.freshness.note(&change);
                around.empty_shared(&change).await;
                // Again: in between, a stale value may have come from the shared cache.
                around.freshness.note(&change);
                for feed in &around.announced {
                    // If this process cannot use the feed, it treats the feed as `Lost`; the other
                    // replicas cache nothing for long.
                    if let Err(error) = feed.announce(&change).await {
                        tracing::debug!(
                            event = "change_not_announced",
                            error = &error as &dyn std::error::Error,
                            "a change could not be announced"
                        );
                    }
                }
            }
            result
        })
        .await
    }

    /// Ends credentials, and drops all cached ones before it returns. Once the
    /// change is made, `whose` returns the user whose sessions may have ended.
    async fn revoking<F>(
        &self,
        whose: impl FnOnce() -> Option<UserId> + Send + 'static,
        make: impl FnOnce(Arc<D>) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let work = make(Arc::clone(&inner.database));
        whole(async move {
            let result = work.await;
            inner.kept.doubt_credentials();
            let user = whose();
            if let (Some(user), Some(shared)) = (user, &inner.around.shared) {
                let _ = shared.empty(&sessions_of(user)).await;
                inner.kept.doubt_credentials();
            }
            result
        })
        .await
    }
}

/// Runs `work` to its end even if no caller waits for it, so that others are notified of a committed
/// change even if its client has disconnected.
async fn whole<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
}

fn may_have_changed<T>(result: &Result<T>) -> bool {
    match result {
        Ok(_) => true,
        Err(Error::Backend(backend)) => backend.outcome != Outcome::NotApplied,
        Err(_) => false,
    }
}

#[async_trait]
impl<D: Database> PublishStore for CachedMetadata<D> {
    async fn begin_upload(&self, upload: &NewUpload) -> Result<()> {
        self.inner.database.begin_upload(upload).await
    }

    async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool> {
        self.inner.database.renew_upload(id, lease).await
    }

    async fn check_publish(&self, check: &PublishCheck) -> Result<()> {
        self.inner.database.check_publish(check).await
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        let of = commit.invalidates();
        let (commit, published) = (commit.clone(), of.clone());
        let freshness = self.freshness();
        let publishing = move |database: Arc<D>| async move {
            let result = database.commit_publish(&commit).await;
            if may_have_changed(&result) {
                // If the database has lost this version before, it may be cached with another archive.
                freshness.note_archives(&published);
            }
            result
        };
        self.changing(of, publishing).await
    }

    async fn abandon_uploads(&self, limit: usize) -> Result<usize> {
        self.inner.database.abandon_uploads(limit).await
    }

    async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>> {
        self.inner.database.abandoned_uploads(ago, limit).await
    }

    async fn forget_upload(&self, id: UploadId) -> Result<()> {
        self.inner.database.forget_upload(id).await
    }
}

#[async_trait]
impl<D: Database> CommandHandler for CachedMetadata<D> {
    async fn handle(&self, request: Request) -> Result<()> {
        match request.invalidation() {
            Invalidation::Nothing => {
                let handled = self.inner.database.handle(request).await;
                // A new scope has a member.
                self.inner.kept.doubt_memberships();
                handled
            }
            Invalidation::Metadata(change) => {
                self.changing(change, move |database| async move { database.handle(request).await }).await
            }
            Invalidation::Credentials(_) => {
                let asked = request.clone();
                let whose = move || asked.invalidation().user();
                self.revoking(whose, move |database| async move { database.handle(request).await }).await
            }
            Invalidation::Account(_) => {
                let asked = request.clone();
                let whose = move || asked.invalidation().user();
                let handled = self.revoking(whose, move |database| async move { database.handle(request).await }).await;
                // The names of owners that are kept here; other replicas hear of it by the change itself.
                self.changing(Change::Everything, |_| async { Ok(()) }).await?;
                handled
            }
        }
    }
}

#[async_trait]
impl<D: Database> QueryHandler for CachedMetadata<D> {
    /// What is asked so is never cached.
    async fn read(&self, request: QueryRequest) -> Result<()> {
        self.inner.database.read(request).await
    }
}

#[async_trait]
impl<D: Database> DownloadStore for CachedMetadata<D> {
    async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()> {
        self.inner.database.add_downloads(batch).await
    }

    async fn refresh_totals(&self) -> Result<()> {
        self.inner.database.refresh_totals().await?;
        self.inner.around.freshness.note(&Change::Everything);
        Ok(())
    }

    async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads> {
        self.inner.database.downloads(query).await
    }
}
