use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::{
    ArchiveCacheConfig,
    checked::checked,
    disk::DiskTier,
    fetch::{blocking, fetch},
    flight::{Ending, Flight},
    memory::MemoryTier,
    tiers::Tiers,
};
use crate::{
    decorate::TierMeter,
    error::{Error, Result},
    ports::{ArchiveContent, ArchiveSource, ArchiveStore},
    types::ArchiveLocation,
};

/// How many archives are fetched from the store at a time; each fetch takes up to 2 MiB of memory.
const FETCHED_AT_ONCE: usize = 32;
/// How often the lookup is repeated when a cached archive disappears before it is opened.
const LOOKS: usize = 3;

/// A store whose archives are cached in memory (small ones) and on disk (if the store is slower to
/// reach than a local disk).
///
/// - A request for an archive that is being fetched reads from that fetch, from the first byte on and
///   at its own pace.
/// - An archive is cached, and the last bytes of a stream are sent, only after the digest of the whole
///   archive was found to be the published one. A range of an archive that is not cached comes from the
///   store unchecked.
/// - The cache and the fetches in progress are limited in bytes.
///
/// ```
/// use aam_registry_core::{
///     decorate::{ArchiveCacheConfig, TieredArchives},
///     memory::{InsecurePasswords, MemoryArchives, MemoryLimiter, MemoryMetadata, MemorySessions},
///     registry::Registry,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let archives = MemoryArchives::new();
/// let cached = TieredArchives::start(archives.clone(), &ArchiveCacheConfig::default())?;
/// let registry = Registry::builder()
///     .database(MemoryMetadata::new())
///     .archives(archives)
///     .archive_source(cached)
///     .rate_limiter(MemoryLimiter::unlimited())
///     .passwords(InsecurePasswords)
///     .sessions(MemorySessions::new())
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TieredArchives<S> {
    tiers: Arc<Tiers<S>>,
}

impl<S: ArchiveStore> TieredArchives<S> {
    /// Caches archives of `store` according to `config`, and keeps what an earlier process left on the
    /// disk.
    ///
    /// # Errors
    /// A backend error of kind storage if the folder on the disk cannot be used.
    ///
    /// # Panics
    /// Outside of a Tokio runtime, if there is a disk cache.
    pub fn start(store: S, config: &ArchiveCacheConfig) -> Result<Self> {
        let disk = match &config.disk {
            None => None,
            Some(disk) => Some(Arc::new(DiskTier::open(disk).map_err(|error| Error::storage(error, false))?)),
        };
        if let Some(disk) = disk.clone() {
            tokio::task::spawn_blocking(move || {
                if let Err(error) = disk.take_over() {
                    tracing::warn!(event = "archive_cache_failed", %error, "the archives cached on disk cannot be listed");
                }
            });
        }
        let tiers = Tiers {
            store,
            memory: MemoryTier::new(config),
            disk,
            fetching: Semaphore::new(FETCHED_AT_ONCE),
            store_meter: TierMeter::new("store"),
            flights: Mutex::default(),
        };
        Ok(Self { tiers: Arc::new(tiers) })
    }

    /// Joins the fetch of an archive, or starts one.
    fn follow(&self, archive: &ArchiveLocation) -> Arc<Flight> {
        let mut flights = self.tiers.flights();
        if let Some(flight) = flights.get(&archive.archive) {
            return Arc::clone(flight);
        }
        let flight = Arc::new(Flight::new());
        flights.insert(archive.archive.clone(), Arc::clone(&flight));
        drop(flights);
        tokio::spawn(fetch(Arc::clone(&self.tiers), Arc::clone(&flight), archive.clone()));
        flight
    }

    async fn open_kept(&self, archive: &ArchiveLocation, range: &Range<u64>) -> Option<ArchiveContent> {
        if let Some(bytes) = self.tiers.memory.get(&archive.sha256) {
            return part(&bytes, range).map(ArchiveContent::Bytes);
        }
        let disk = self.tiers.disk.clone()?;
        let (sha256, wanted, len) = (archive.sha256, range.clone(), range.end - range.start);
        match blocking(move || disk.get(&sha256, &wanted)).await {
            Ok(file) => file.map(|file| ArchiveContent::File { file, len }),
            Err(error) => {
                tracing::warn!(event = "archive_cache_failed", %error, "an archive cached on disk cannot be read");
                None
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ArchiveStore> ArchiveSource for TieredArchives<S> {
    async fn open(&self, archive: &ArchiveLocation, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        let wanted = range.clone().unwrap_or(0..archive.size);
        if wanted.start > wanted.end || wanted.end > archive.size {
            let reason = format!("range {wanted:?} lies outside the {} bytes of {}", archive.size, archive.archive);
            return Err(Error::internal(reason));
        }
        for _ in 0..LOOKS {
            if let Some(content) = self.open_kept(archive, &wanted).await {
                return Ok(Some(content));
            }
            if self.tiers.disk.is_none() && !self.tiers.memory.admits(archive.size) {
                break;
            }
            let flight = self.follow(archive);
            match flight.opened().await {
                None => {
                    let len = wanted.end - wanted.start;
                    return Ok(Some(ArchiveContent::Stream { stream: flight.read(wanted), len }));
                }
                Some(Ending::Whole(Some(bytes))) => return Ok(part(&bytes, &wanted).map(ArchiveContent::Bytes)),
                Some(Ending::Whole(None) | Ending::OnDisk) => {}
                Some(Ending::Missing) => return Ok(None),
                Some(Ending::Aside) => break,
                Some(Ending::Failed(trouble)) => return Err(trouble.into()),
            }
        }
        let is_whole = wanted == (0..archive.size);
        let content = self.tiers.store.open(&archive.archive, range).await?;
        Ok(content.map(|content| match content {
            // A range cannot be checked: the digest is that of the whole archive.
            ArchiveContent::Stream { stream, len } if is_whole => {
                ArchiveContent::Stream { stream: checked(archive.clone(), stream), len }
            }
            other => other,
        }))
    }
}

fn part(bytes: &Bytes, range: &Range<u64>) -> Option<Bytes> {
    let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
    (end <= bytes.len()).then(|| bytes.slice(start..end))
}
