use std::{fmt, sync::Arc};

use futures_util::StreamExt;
use tokio::task::JoinHandle;

use super::{MetadataCacheConfig, counters::begin_at_zero, kept::Kept, outage::Outage};
use crate::{
    decorate::Freshness,
    ports::{ChangeEvent, ChangeFeed, Database, SharedCache},
    types::Change,
};

/// A database whose packages, versions and archive locations are cached in this process and, if there
/// is one, in a cache that replicas share.
///
/// - A "not found" is not cached.
/// - A change through this wrapper drops the affected entries before it returns; a change by another
///   process drops them when a feed reports it. While a feed is broken, nothing mutable is cached. A
///   change that no feed reports is visible after [`MetadataCacheConfig::with_lifetime`] at the latest.
/// - The location of an archive, and with it that it may be downloaded, is cached until its package
///   changes or metadata names another archive. While a feed is broken, it is read again within a
///   second. While the database does not answer, the last known location is used for
///   [`MetadataCacheConfig::with_stale_reads`], so that downloads continue.
/// - A valid credential is cached for less than a second, and not after this process has revoked it.
///   Every change checks it again.
///
/// ```
/// use aam_registry_core::{
///     decorate::CachedMetadata,
///     memory::{InsecurePasswords, MemoryArchives, MemoryLimiter, MemoryMetadata, MemorySessions},
///     registry::Registry,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = CachedMetadata::builder(MemoryMetadata::new()).start();
/// let registry = Registry::builder()
///     .database(database)
///     .archives(MemoryArchives::new())
///     .rate_limiter(MemoryLimiter::unlimited())
///     .passwords(InsecurePasswords)
///     .sessions(MemorySessions::new())
///     .build()?;
/// # Ok(())
/// # }
/// ```
pub struct CachedMetadata<D> {
    pub(super) inner: Arc<CacheState<D>>,
}

pub(super) struct CacheState<D> {
    pub(super) database: Arc<D>,
    pub(super) kept: Kept,
    pub(super) config: MetadataCacheConfig,
    pub(super) outage: Outage,
    pub(super) around: Around,
    followers: Vec<JoinHandle<()>>,
}

/// What has to be notified of a change.
#[derive(Clone, Debug)]
pub(super) struct Around {
    pub(super) freshness: Freshness,
    pub(super) shared: Option<Arc<dyn SharedCache>>,
    pub(super) announced: Vec<Arc<dyn ChangeFeed>>,
}

/// The parts of a [`CachedMetadata`].
#[derive(Debug)]
pub struct CachedMetadataBuilder<D> {
    database: D,
    config: MetadataCacheConfig,
    shared: Option<Arc<dyn SharedCache>>,
    feeds: Vec<(Source, Arc<dyn ChangeFeed>)>,
}

/// Where the events of a feed come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The database, which reports every committed change.
    Database,
    /// Other replicas, which announce a change after they have emptied the shared cache.
    Replicas,
}

impl<D: Database> CachedMetadata<D> {
    /// Starts building a cache in front of `database`.
    pub fn builder(database: D) -> CachedMetadataBuilder<D> {
        CachedMetadataBuilder { database, config: MetadataCacheConfig::default(), shared: None, feeds: Vec::new() }
    }

    /// Says how long data derived from this metadata may be cached elsewhere.
    pub fn freshness(&self) -> Freshness {
        self.inner.around.freshness.clone()
    }
}

impl<D: Database> CachedMetadataBuilder<D> {
    /// Sets how much is cached, and for how long.
    #[must_use]
    pub fn config(mut self, config: MetadataCacheConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets a cache that replicas share.
    #[must_use]
    pub fn shared(mut self, cache: impl SharedCache) -> Self {
        self.shared = Some(Arc::new(cache));
        self
    }

    /// Adds a feed with which the database reports changes.
    #[must_use]
    pub fn changes(mut self, feed: impl ChangeFeed) -> Self {
        self.feeds.push((Source::Database, Arc::new(feed)));
        self
    }

    /// Adds a feed with which replicas announce changes to one another.
    #[must_use]
    pub fn announcements(mut self, feed: impl ChangeFeed) -> Self {
        self.feeds.push((Source::Replicas, Arc::new(feed)));
        self
    }

    /// Starts following the feeds on the current Tokio runtime, for as long as the cache lives.
    ///
    /// # Panics
    /// Outside of a Tokio runtime, if there is a feed.
    pub fn start(self) -> CachedMetadata<D> {
        begin_at_zero(self.shared.is_some());
        let around = Around {
            freshness: Freshness::new(self.feeds.len()),
            shared: self.shared,
            announced: self
                .feeds
                .iter()
                .filter(|(source, _)| *source == Source::Replicas)
                .map(|(_, feed)| Arc::clone(feed))
                .collect(),
        };
        let followers = self
            .feeds
            .into_iter()
            .enumerate()
            .map(|(link, (source, feed))| tokio::spawn(around.clone().follow(link, source, feed)))
            .collect();
        let kept = Kept::new(&self.config);
        CachedMetadata {
            inner: Arc::new(CacheState {
                database: Arc::new(self.database),
                kept,
                config: self.config,
                outage: Outage::default(),
                around,
                followers,
            }),
        }
    }
}

impl Around {
    async fn follow(self, link: usize, source: Source, feed: Arc<dyn ChangeFeed>) {
        let mut events = feed.subscribe();
        while let Some(event) = events.next().await {
            // Empty it first, or a read right after this would bring the stale value back from there.
            match (source, &event) {
                (Source::Database, ChangeEvent::Changed(change)) => self.empty_shared(change).await,
                // The database may have been restored while the link was broken.
                (Source::Database, ChangeEvent::Linked) => self.empty_shared(&Change::Everything).await,
                _ => {}
            }
            self.hear(link, &*feed, &event);
        }
        // A feed should not end. One that does reports no more changes.
        self.hear(link, &*feed, &ChangeEvent::Lost);
    }

    fn hear(&self, link: usize, feed: &dyn ChangeFeed, event: &ChangeEvent) {
        if !self.freshness.hear(link, event) {
            return;
        }
        if *event == ChangeEvent::Lost {
            tracing::warn!(
                event = "change_feed_lost",
                feed = feed.name(),
                "notifications of changes are interrupted; metadata is read from the database until they work again"
            );
        } else {
            tracing::info!(event = "change_feed_linked", feed = feed.name(), "notifications of changes work");
        }
    }

    /// Empties the groups of the shared cache that a change affects.
    pub(super) async fn empty_shared(&self, change: &Change) {
        if let Some(shared) = &self.shared
            && let Err(error) = shared.empty(&group(change)).await
        {
            tracing::debug!(
                event = "shared_cache_failed",
                error = &error as &dyn std::error::Error,
                "the shared cache could not be notified of a change"
            );
        }
    }
}

/// The group in the shared cache that a change affects.
pub(super) fn group(change: &Change) -> String {
    match change {
        Change::Package(name) => format!("package/{name}"),
        Change::Scope(scope) => format!("scope/{scope}"),
        Change::Everything => "everything".to_owned(),
    }
}

impl<D> Clone for CachedMetadata<D> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<D> Drop for CacheState<D> {
    fn drop(&mut self) {
        for follower in &self.followers {
            follower.abort();
        }
    }
}

impl<D: fmt::Debug> fmt::Debug for CachedMetadata<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedMetadata")
            .field("database", &self.inner.database)
            .field("around", &self.inner.around)
            .finish_non_exhaustive()
    }
}
