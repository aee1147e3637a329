//! The blocking task that reads an archive while it arrives.

use std::io::{self, Read};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc},
    task::{self, JoinHandle},
};

use crate::{
    archive::{self, ArchiveLimits, JudgedArchive},
    error::{Error, Result},
    types::{Manifest, Sha256Digest},
};

/// How many chunks may wait to be judged.
const CHUNKS: usize = 16;

/// An archive under judgement.
#[derive(Debug)]
pub(super) struct Judging {
    chunks: mpsc::Sender<Bytes>,
    judge: JoinHandle<Judgement>,
}

/// What came of a judgement.
#[derive(Debug)]
pub(super) struct Judgement {
    /// What the archive holds, or why it is refused.
    pub(super) verdict: Result<JudgedArchive>,
    /// The digest of the archive; `None` where the judge did not read it to its end.
    pub(super) sha256: Option<Sha256Digest>,
}

impl Judging {
    /// Starts judging on a blocking thread, for as long as chunks come and
    /// `permit` is held. `check` runs as soon as the manifest is known.
    pub(super) fn start<C, F>(limits: ArchiveLimits, permit: OwnedSemaphorePermit, check: C) -> Self
    where
        C: FnOnce(Manifest) -> F + Send + 'static,
        F: Future<Output = Result<()>>,
    {
        let (chunks, received) = mpsc::channel(CHUNKS);
        let runtime = Handle::current();
        let judge = task::spawn_blocking(move || {
            let _permit = permit;
            let mut reader =
                ChunkReader { chunks: received, current: Bytes::new(), hasher: Sha256::new(), ended: false };
            let verdict = archive::judge(&mut reader, &limits, |manifest| runtime.block_on(check(manifest.clone())));
            Judgement { sha256: reader.digest(verdict.is_ok()), verdict }
        });
        Self { chunks, judge }
    }

    /// Hands the judge the next bytes; `false` where it has already refused.
    pub(super) async fn feed(&self, bytes: Bytes) -> bool {
        self.chunks.send(bytes).await.is_ok()
    }

    /// Waits for the judgement. What was fed is the whole archive.
    pub(super) async fn end(self) -> Result<Judgement> {
        drop(self.chunks);
        self.judge.await.map_err(Error::internal)
    }
}

/// Reads the chunks of a channel, hashing them.
struct ChunkReader {
    chunks: mpsc::Receiver<Bytes>,
    current: Bytes,
    hasher: Sha256,
    ended: bool,
}

impl ChunkReader {
    /// The digest of everything; `None` where that was not read.
    fn digest(mut self, read_rest: bool) -> Option<Sha256Digest> {
        if read_rest {
            self.current = Bytes::new();
            while self.next_chunk() {}
        }
        self.ended.then(|| <[u8; 32]>::from(self.hasher.finalize()).into())
    }

    fn next_chunk(&mut self) -> bool {
        let Some(chunk) = self.chunks.blocking_recv() else {
            self.ended = true;
            return false;
        };
        self.hasher.update(&chunk);
        self.current = chunk;
        true
    }
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            if !self.next_chunk() {
                return Ok(0);
            }
        }
        let some = self.current.len().min(buffer.len());
        buffer[..some].copy_from_slice(&self.current.split_to(some));
        Ok(some)
    }
}
