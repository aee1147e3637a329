use std::{io, mem};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Fuse, StreamExt};
use sha2::Digest;

use super::{
    fetch::{HASHED_AT_ONCE, blocking, check, damaged, tell},
    flight::Trouble,
};
use crate::types::{ArchiveLocation, Sha256Digest};

/// Streams a whole archive that is not cached. The last bytes are held back until all bytes were
/// checked, and are never sent if the check fails.
pub(super) fn checked(
    archive: ArchiveLocation,
    stream: BoxStream<'static, io::Result<Bytes>>,
) -> BoxStream<'static, io::Result<Bytes>> {
    let checking =
        Checking { archive, stream: stream.fuse(), hasher: sha2::Sha256::new(), arrived: 0, held: Bytes::new() };
    let next = |mut checking: Checking| async move { Ok(checking.next().await?.map(|bytes| (bytes, checking))) };
    stream::try_unfold(checking, next).boxed()
}

struct Checking {
    archive: ArchiveLocation,
    stream: Fuse<BoxStream<'static, io::Result<Bytes>>>,
    hasher: sha2::Sha256,
    arrived: u64,
    /// The last bytes received, which are held back.
    held: Bytes,
}

impl Checking {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(chunk) = self.stream.next().await.transpose()? {
            if chunk.is_empty() {
                continue;
            }
            self.arrived += chunk.len() as u64;
            if self.arrived > self.archive.size {
                return Err(self.fail(&damaged(&self.archive)));
            }
            self.hash(&chunk).await?;
            let before = mem::replace(&mut self.held, chunk);
            if !before.is_empty() {
                return Ok(Some(before));
            }
        }
        let last = mem::take(&mut self.held);
        if last.is_empty() {
            return Ok(None);
        }
        let digest = Sha256Digest::from(<[u8; 32]>::from(mem::take(&mut self.hasher).finalize()));
        check(&self.archive, self.arrived, digest).map_err(|trouble| self.fail(&trouble))?;
        Ok(Some(last))
    }

    fn fail(&self, trouble: &Trouble) -> io::Error {
        tell(&self.archive, trouble);
        io::Error::other(&*trouble.reason)
    }

    async fn hash(&mut self, chunk: &Bytes) -> io::Result<()> {
        if chunk.len() <= HASHED_AT_ONCE {
            self.hasher.update(chunk);
            return Ok(());
        }
        let (mut hasher, chunk) = (mem::take(&mut self.hasher), chunk.clone());
        let hashing = move || {
            hasher.update(&chunk);
            Ok(hasher)
        };
        self.hasher = blocking(hashing).await?;
        Ok(())
    }
}
