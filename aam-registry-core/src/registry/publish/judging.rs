//! Reading an archive off the async threads.

use std::{
    fmt,
    io::{self, Read},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc},
    task::{self, JoinHandle},
};

use crate::{
    archive::{self, ArchiveLimits, JudgedArchive},
    error::{Error, Result},
    types::Manifest,
};

/// How many chunks may wait to be judged.
const CHUNKS: usize = 16;

/// An archive of up to so many bytes is judged when all of it has come: to
/// wake a thread for each piece would cost more than to judge it.
const SMALL: usize = 64 * 1024;

/// An archive under judgement.
#[derive(Debug)]
pub(super) struct Judging {
    /// What has come of an archive that may be a small one.
    gathered: BytesMut,
    /// What judges it; `None` once a thread does.
    judge: Option<Judge>,
    thread: Option<Thread>,
}

impl Judging {
    /// Will judge an archive, holding `permit` until that is done. Its
    /// manifest has to pass `rule`, and, where there is more to come that
    /// would come in vain, `check`.
    pub(super) fn new<R, C, F>(limits: ArchiveLimits, permit: OwnedSemaphorePermit, rule: R, check: C) -> Self
    where
        R: FnOnce(&Manifest) -> Result<()> + Send + 'static,
        C: FnOnce(Manifest) -> F + Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let check: Check = Box::new(|manifest| Box::pin(check(manifest)));
        let judge = Judge { limits, permit, rule: Box::new(rule), check };
        Self { gathered: BytesMut::new(), judge: Some(judge), thread: None }
    }

    /// Hands the judge the next bytes; `false` where it has already refused.
    pub(super) async fn feed(&mut self, bytes: Bytes) -> bool {
        if self.judge.is_some() && self.gathered.len() + bytes.len() <= SMALL {
            self.gathered.extend_from_slice(&bytes);
            return true;
        }
        if let Some(judge) = self.judge.take() {
            self.thread = Some(judge.start(self.gathered.split().freeze()));
        }
        match &self.thread {
            Some(thread) => thread.chunks.send(bytes).await.is_ok(),
            None => false,
        }
    }

    /// Waits for the judgement. What was fed is the whole archive.
    pub(super) async fn end(self) -> Result<JudgedArchive> {
        match (self.judge, self.thread) {
            (Some(judge), _) => judge.judge(self.gathered.freeze()).await,
            (None, Some(thread)) => thread.end().await,
            (None, None) => Err(Error::internal("an archive without a judge")),
        }
    }
}

/// Whether the publisher may publish what a manifest names.
type Rule = Box<dyn FnOnce(&Manifest) -> Result<()> + Send>;
/// Whether a commit of what a manifest names could still succeed.
type Check = Box<dyn FnOnce(Manifest) -> BoxFuture<'static, Result<()>> + Send>;

struct Judge {
    limits: ArchiveLimits,
    permit: OwnedSemaphorePermit,
    rule: Rule,
    check: Check,
}

impl Judge {
    /// Judges a whole archive.
    async fn judge(self, archive: Bytes) -> Result<JudgedArchive> {
        let Self { limits, permit, rule, .. } = self;
        let judge = task::spawn_blocking(move || {
            let _permit = permit;
            archive::judge(archive.reader(), &limits, rule)
        });
        judge.await.map_err(Error::internal)?
    }

    /// Starts to judge an archive that begins with `first`, for as long as chunks come.
    fn start(self, first: Bytes) -> Thread {
        let Self { limits, permit, rule, check } = self;
        let (chunks, received) = mpsc::channel(CHUNKS);
        let runtime = Handle::current();
        let judge = task::spawn_blocking(move || {
            let _permit = permit;
            archive::judge(ChunkReader { chunks: received, current: first }, &limits, |manifest| {
                rule(manifest)?;
                runtime.block_on(check(manifest.clone()))
            })
        });
        Thread { chunks, judge }
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The thread that judges an archive while it comes.
#[derive(Debug)]
struct Thread {
    chunks: mpsc::Sender<Bytes>,
    judge: JoinHandle<Result<JudgedArchive>>,
}

impl Thread {
    async fn end(self) -> Result<JudgedArchive> {
        drop(self.chunks);
        self.judge.await.map_err(Error::internal)?
    }
}

/// Reads the chunks of a channel.
struct ChunkReader {
    chunks: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk,
                None => return Ok(0),
            }
        }
        let some = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..some]);
        Ok(some)
    }
}
