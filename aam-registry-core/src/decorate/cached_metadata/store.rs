use std::{fmt, sync::Arc};

use futures_util::StreamExt;
use tokio::task::JoinHandle;

use super::{MetadataCacheConfig, kept::Kept, lookup::begin_at_zero, outage::Outage};
use crate::{
    decorate::Freshness,
    ports::{ChangeEvent, ChangeFeed, Database, SharedCache},
    types::Change,
};

/// A database whose packages, versions and archive locations are kept in this
/// process, and in a cache that replicas share where there is one.
///
/// - Nothing is kept of what was not there.
/// - What a change through this wrapper touches is forgotten before the change
///   is answered; what others change when a feed tells of it. While a feed is
///   broken, nothing that may change is kept; what bounds a change that no
///   feed told of is [`MetadataCacheConfig::with_lifetime`].
/// - Where an archive lies, and so that it may be downloaded, is kept until its
///   package changes or metadata names another archive. While a feed is broken it
///   is read again within a second; while the database does not answer, what was
///   last read stands for [`MetadataCacheConfig::with_stale_reads`], so that
///   downloads go on.
/// - That a credential is alive is believed for less than a second, and
///   not after this process revoked it. Every change checks it anew.
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
    pub(super) inner: Arc<Inner<D>>,
}

pub(super) struct Inner<D> {
    pub(super) database: Arc<D>,
    pub(super) kept: Kept,
    pub(super) config: MetadataCacheConfig,
    pub(super) outage: Outage,
    pub(super) around: Around,
    followers: Vec<JoinHandle<()>>,
}

/// What a change has to be told to.
#[derive(Clone, Debug)]
pub(super) struct Around {
    pub(super) freshness: Freshness,
    pub(super) shared: Option<Arc<dyn SharedCache>>,
    pub(super) announced: Vec<Arc<dyn ChangeFeed>>,
}

/// What a [`CachedMetadata`] is made of.
#[derive(Debug)]
pub struct CachedMetadataBuilder<D> {
    database: D,
    config: MetadataCacheConfig,
    shared: Option<Arc<dyn SharedCache>>,
    feeds: Vec<(Source, Arc<dyn ChangeFeed>)>,
}

/// Who tells a feed of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The database, of every change as it is committed.
    Database,
    /// Replicas, once they have emptied the shared cache.
    Replicas,
}

impl<D: Database> CachedMetadata<D> {
    /// Starts building a cache before `database`.
    pub fn builder(database: D) -> CachedMetadataBuilder<D> {
        CachedMetadataBuilder { database, config: MetadataCacheConfig::default(), shared: None, feeds: Vec::new() }
    }

    /// Tells for how long what was made of this metadata may be kept elsewhere.
    pub fn freshness(&self) -> Freshness {
        self.inner.around.freshness.clone()
    }
}

impl<D: Database> CachedMetadataBuilder<D> {
    /// Sets how much is kept, and for how long.
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

    /// Adds a feed on which the database tells of changes.
    #[must_use]
    pub fn changes(mut self, feed: impl ChangeFeed) -> Self {
        self.feeds.push((Source::Database, Arc::new(feed)));
        self
    }

    /// Adds a feed on which replicas announce their changes to one another.
    #[must_use]
    pub fn announcements(mut self, feed: impl ChangeFeed) -> Self {
        self.feeds.push((Source::Replicas, Arc::new(feed)));
        self
    }

    /// Starts to follow the feeds, on the Tokio runtime that this is called
    /// on, for as long as the cache lives.
    ///
    /// # Panics
    /// Outside of a Tokio runtime, where there is any feed.
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
            inner: Arc::new(Inner {
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
            // First, or what is read right after would bring the old back from there.
            match (source, &event) {
                (Source::Database, ChangeEvent::Changed(change)) => self.empty_shared(change).await,
                // It may have been restored while nobody heard of it.
                (Source::Database, ChangeEvent::Linked) => self.empty_shared(&Change::Everything).await,
                _ => {}
            }
            self.hear(link, &*feed, &event);
        }
        // A feed should not end; one that did tells of nothing any more.
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
                "changes are not heard of: metadata is read from the database until they are again"
            );
        } else {
            tracing::info!(event = "change_feed_linked", feed = feed.name(), "changes are heard of");
        }
    }

    /// Empties what the shared cache has of a change.
    pub(super) async fn empty_shared(&self, change: &Change) {
        if let Some(shared) = &self.shared
            && let Err(error) = shared.empty(&group(change)).await
        {
            tracing::debug!(
                event = "shared_cache_failed",
                error = &error as &dyn std::error::Error,
                "a change could not be told to the shared cache"
            );
        }
    }
}

/// The group in a shared cache of what a change touches.
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

impl<D> Drop for Inner<D> {
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
