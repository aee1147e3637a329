use std::{
    fs::File,
    io::{self, Read, Write},
    ptr,
    sync::Arc,
};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use sha2::Digest;
use tokio::task::{self, JoinHandle};

use super::{
    disk::Part,
    flight::{Ending, Flight, Trouble},
    tiers::Tiers,
};
use crate::{
    error::{Error, with_causes},
    ports::{ArchiveContent, ArchiveStore},
    types::{ArchiveLocation, Sha256Digest},
};

/// Up to this size, bytes are hashed on the current thread instead of a blocking one.
pub(super) const HASHED_AT_ONCE: usize = 64 << 10;

/// Fetches an archive for all its readers, and caches it after its digest was checked.
pub(super) async fn fetch<S: ArchiveStore>(tiers: Arc<Tiers<S>>, flight: Arc<Flight>, archive: ArchiveLocation) {
    let landing = Landing { tiers: &tiers, flight: &flight, archive: &archive };
    let Ok(_permit) = tiers.fetching.acquire().await else { return };
    let ending = bring(&tiers, &flight, &archive).await.unwrap_or_else(Ending::Failed);
    match &ending {
        Ending::Whole(Some(bytes)) => tiers.memory.keep(archive.sha256, bytes.clone()),
        Ending::Failed(trouble) => tell(&archive, trouble),
        _ => {}
    }
    landing.land(ending);
}

/// Logs that an archive could not be fetched.
pub(super) fn tell(archive: &ArchiveLocation, trouble: &Trouble) {
    tracing::warn!(
        event = "archive_fetch_failed",
        package = %archive.package,
        version = %archive.version,
        archive = %archive.archive,
        error = &*trouble.reason,
        "an archive could not be fetched from its store",
    );
}

/// Ends a flight however its fetch ends, so that no reader waits for ever.
struct Landing<'a, S: ArchiveStore> {
    tiers: &'a Tiers<S>,
    flight: &'a Flight,
    archive: &'a ArchiveLocation,
}

impl<S: ArchiveStore> Landing<'_, S> {
    fn land(&self, ending: Ending) {
        // Readers find the cached archive before the flight is removed, so that none fetches it again
        // in between.
        let mut flights = self.tiers.flights();
        if flights.get(&self.archive.archive).is_some_and(|flight| ptr::eq(Arc::as_ptr(flight), self.flight)) {
            flights.remove(&self.archive.archive);
        }
        drop(flights);
        self.flight.end(ending);
    }
}

impl<S: ArchiveStore> Drop for Landing<'_, S> {
    fn drop(&mut self) {
        self.land(Ending::Failed(Trouble::new("the fetch broke off", true)));
    }
}

async fn bring<S: ArchiveStore>(
    tiers: &Arc<Tiers<S>>,
    flight: &Flight,
    archive: &ArchiveLocation,
) -> Result<Ending, Trouble> {
    if let Some(disk) = tiers.disk.clone() {
        let sha256 = archive.sha256;
        if blocking(move || disk.prove(&sha256)).await.unwrap_or(false) {
            return Ok(Ending::OnDisk);
        }
    }
    let content = tiers.store.open(&archive.archive, None).await.map_err(|error| trouble(&error))?;
    tiers.store_meter.count(content.is_some());
    match content {
        None => Ok(Ending::Missing),
        Some(ArchiveContent::Bytes(bytes)) => whole(archive, bytes).await,
        Some(ArchiveContent::File { file, len }) if tiers.memory.admits(len) => {
            let bytes = blocking(move || {
                let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
                file.take(len).read_to_end(&mut bytes)?;
                Ok(Bytes::from(bytes))
            });
            whole(archive, bytes.await.map_err(|error| Trouble::new(error, true))?).await
        }
        Some(ArchiveContent::File { .. }) => Ok(Ending::Aside),
        Some(ArchiveContent::Stream { stream, .. }) => streamed(tiers, flight, archive, stream).await,
    }
}

/// An archive that arrives in one piece.
async fn whole(archive: &ArchiveLocation, bytes: Bytes) -> Result<Ending, Trouble> {
    let hashed = bytes.clone();
    let digest = if bytes.len() <= HASHED_AT_ONCE {
        Sha256Digest::of(&hashed)
    } else {
        blocking(move || Ok(Sha256Digest::of(&hashed))).await.map_err(|error| Trouble::new(error, true))?
    };
    check(archive, bytes.len() as u64, digest)?;
    Ok(Ending::Whole(Some(bytes)))
}

async fn streamed<S: ArchiveStore>(
    tiers: &Arc<Tiers<S>>,
    flight: &Flight,
    archive: &ArchiveLocation,
    mut stream: BoxStream<'static, io::Result<Bytes>>,
) -> Result<Ending, Trouble> {
    let keeps_all = tiers.memory.admits(archive.size);
    let begun = begin(tiers, archive.size).await;
    if begun.is_none() && !keeps_all {
        return Ok(Ending::Aside);
    }
    let (file, part) = begun.unzip();
    let sink = Sink::new(file.map(Arc::new), keeps_all);
    flight.open(sink.file.clone());
    let mut sinking = Sinking::Idle(sink);
    let mut arrived = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Trouble::new(error, true))?;
        arrived += chunk.len() as u64;
        if arrived > archive.size {
            return Err(damaged(archive));
        }
        flight.arrive(chunk.clone());
        // The last chunk is written while the next one arrives.
        let sink = sinking.done(tiers).await?;
        if !keeps_all {
            flight.written(sink.len);
        }
        sinking = Sinking::Busy(task::spawn_blocking(move || sink.take(&chunk)));
    }
    let sink = sinking.done(tiers).await?;
    // The file may have been given up during the fetch.
    let part = part.filter(|_| sink.file.is_some());
    check(archive, sink.len, sink.digest())?;
    let bytes = if keeps_all { flight.bytes() } else { None };
    if let (Some(disk), Some(part)) = (tiers.disk.clone(), part) {
        let sha256 = archive.sha256;
        if let Err(error) = blocking(move || disk.keep(part, &sha256)).await {
            tracing::warn!(event = "archive_cache_failed", %error, "an archive was not cached on disk");
        }
    }
    Ok(Ending::Whole(bytes))
}

/// A file for `size` bytes, if there is a disk cache with enough space.
async fn begin<S>(tiers: &Tiers<S>, size: u64) -> Option<(File, Part)> {
    let disk = tiers.disk.clone()?;
    blocking(move || disk.begin(size)).await.unwrap_or_else(|error| {
        tracing::warn!(event = "archive_cache_failed", %error, "no archive is cached on disk for a minute");
        None
    })
}

/// Where the bytes of a stream are stored while readers follow it.
struct Sink {
    hasher: sha2::Sha256,
    file: Option<Arc<File>>,
    /// Whether memory holds all bytes, so that the file is not needed.
    keeps_all: bool,
    len: u64,
}

impl Sink {
    fn new(file: Option<Arc<File>>, keeps_all: bool) -> Self {
        Self { hasher: sha2::Sha256::new(), file, keeps_all, len: 0 }
    }

    /// Writes and hashes a chunk. Blocks.
    fn take(mut self, chunk: &[u8]) -> io::Result<Self> {
        self.hasher.update(chunk);
        if let Some(file) = &self.file
            && let Err(error) = (&**file).write_all(chunk)
        {
            if !self.keeps_all {
                return Err(error);
            }
            self.file = None;
        }
        self.len += chunk.len() as u64;
        Ok(self)
    }

    fn digest(self) -> Sha256Digest {
        Sha256Digest::from(<[u8; 32]>::from(self.hasher.finalize()))
    }
}

enum Sinking {
    Idle(Sink),
    Busy(JoinHandle<io::Result<Sink>>),
}

impl Sinking {
    async fn done<S>(self, tiers: &Tiers<S>) -> Result<Sink, Trouble> {
        match self {
            Self::Idle(sink) => Ok(sink),
            Self::Busy(handle) => {
                let sink = handle.await.map_err(io::Error::other).and_then(|result| result);
                sink.map_err(|error| {
                    // The next request gets the archive from the store, without the cache.
                    if let Some(disk) = &tiers.disk {
                        disk.pause();
                    }
                    Trouble::new(format_args!("the cache cannot be written: {error}"), true)
                })
            }
        }
    }
}

pub(super) fn check(archive: &ArchiveLocation, size: u64, digest: Sha256Digest) -> Result<(), Trouble> {
    if size == archive.size && digest == archive.sha256 { Ok(()) } else { Err(damaged(archive)) }
}

pub(super) fn damaged(archive: &ArchiveLocation) -> Trouble {
    Trouble::new(format_args!("archive {} is damaged in its store", archive.archive), false)
}

fn trouble(error: &Error) -> Trouble {
    let retry = matches!(error, Error::Backend(backend) if backend.retry);
    Trouble::new(with_causes(error), retry)
}

/// Runs blocking work on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_stops_no_archive_that_memory_holds() {
        let full = || Some(Arc::new(File::options().write(true).open("/dev/full").expect("the device")));
        let sink = Sink::new(full(), true).take(b"kit").expect("goes on");
        assert!(sink.file.is_none() && sink.digest() == Sha256Digest::of(b"kit"));
        assert!(Sink::new(full(), false).take(b"kit").is_err());
    }
}
