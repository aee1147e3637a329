use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::{task, time::Instant};

use super::unpacking::SpoolRoom;
use crate::{error::Error, types::Sha256Digest};

/// How much is read of a spooled file at once.
const CHUNK: usize = 128 * 1024;
/// How long a reader of a spooled file may take in any case.
const GRACE: Duration = Duration::from_mins(1);
/// How many bytes a second a reader has to take after that: room on the disk
/// must not be held by who hardly reads.
const LEAST_RATE: u64 = 256 * 1024;

/// Where a file is unpacked to, so that a slow reader keeps nothing busy.
pub(super) struct Spool {
    storage: SpoolStorage,
    hasher: Sha256,
    written: u64,
}

enum SpoolStorage {
    Memory(Vec<u8>),
    Disk(File),
}

/// A file that is whole.
pub(super) enum Spooled {
    Memory(Bytes),
    Disk(File),
}

impl Spool {
    pub(super) fn in_memory() -> Self {
        Self::new(SpoolStorage::Memory(Vec::new()))
    }

    pub(super) fn on_disk(file: File) -> Self {
        Self::new(SpoolStorage::Disk(file))
    }

    fn new(storage: SpoolStorage) -> Self {
        Self { storage, hasher: Sha256::new(), written: 0 }
    }

    /// The file from its start, where it is the one of that size and digest.
    pub(super) fn finish(self, size: u64, digest: &Sha256Digest) -> io::Result<Spooled> {
        let found = Sha256Digest::from(<[u8; 32]>::from(self.hasher.finalize()));
        if self.written != size || found != *digest {
            return Err(io::Error::other("a file in an archive is not the one that was listed"));
        }
        Ok(match self.storage {
            SpoolStorage::Memory(contents) => Spooled::Memory(contents.into()),
            SpoolStorage::Disk(mut file) => {
                file.rewind()?;
                Spooled::Disk(file)
            }
        })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.storage {
            SpoolStorage::Memory(contents) => contents.write(bytes),
            SpoolStorage::Disk(file) => file.write(bytes),
        };
        let written = written.map_err(|error| io::Error::other(Error::storage(error, true)))?;
        self.hasher.update(&bytes[..written]);
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The `size` bytes of `file`, which is closed and gives up its `room` with
/// the stream, or when its reader is too slow.
pub(super) fn stream(file: File, size: u64, room: SpoolRoom) -> BoxStream<'static, io::Result<Bytes>> {
    let until = Instant::now() + GRACE + Duration::from_secs(size / LEAST_RATE);
    stream::try_unfold((file, size, room), move |(mut file, left, room)| async move {
        if left == 0 {
            return Ok(None);
        }
        if Instant::now() > until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let reading = task::spawn_blocking(move || {
            let mut chunk = vec![0; usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK))];
            file.read_exact(&mut chunk).map(|()| (file, chunk))
        });
        let (file, chunk) = reading.await.map_err(io::Error::other)??;
        let left = left - chunk.len() as u64;
        Ok(Some((Bytes::from(chunk), (file, left, room))))
    })
    .boxed()
}
