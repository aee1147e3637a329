//! Reading an archive off the async threads.

use std::{
    fmt,
    io::{self, Read},
    sync::Arc,
    thread,
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task,
};

use super::{crowd::UploadPlace, work::Work};
use crate::{
    archive::{self, ArchiveLimits, JudgedArchive},
    error::{Error, Result},
    types::Manifest,
};

/// How many chunks may wait to be judged.
const CHUNKS: usize = 4;

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
    /// Will judge an archive. Its manifest has to pass `rule`, and, where
    /// there is more to come that would come in vain, `check`.
    pub(super) fn new<R, C, F>(limits: ArchiveLimits, turns: Turns, rule: R, check: C) -> Self
    where
        R: FnOnce(&Manifest) -> Result<()> + Send + 'static,
        C: FnOnce(Manifest) -> F + Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let check: Check = Box::new(|manifest| Box::pin(check(manifest)));
        let judge = Judge { limits, turns, rule: Box::new(rule), check };
        Self { gathered: BytesMut::new(), judge: Some(judge), thread: None }
    }

    /// Hands the judge the next bytes; `false` where it has already refused.
    pub(super) async fn feed(&mut self, bytes: Bytes) -> bool {
        if self.judge.is_some() && self.gathered.len() + bytes.len() <= SMALL {
            self.gathered.extend_from_slice(&bytes);
            return true;
        }
        if let Some(judge) = self.judge.take() {
            self.thread = judge.start(self.gathered.split().freeze());
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
            // The system gave no thread.
            (None, None) => Err(Error::Overloaded),
        }
    }
}

/// Whether the publisher may publish what a manifest names.
type Rule = Box<dyn FnOnce(&Manifest) -> Result<()> + Send>;
/// Whether a commit of what a manifest names could still succeed.
type Check = Box<dyn FnOnce(Manifest) -> BoxFuture<'static, Result<()>> + Send>;

/// What a judge needs of the registry.
#[derive(Debug)]
pub(super) struct Turns {
    /// One permit for each thread that may work at a time.
    pub(super) turns: Arc<Semaphore>,
    /// The place of the upload, which is taken for as long as there is a thread for it.
    pub(super) place: Arc<UploadPlace>,
}

struct Judge {
    limits: ArchiveLimits,
    turns: Turns,
    rule: Rule,
    check: Check,
}

impl Judge {
    /// Judges a whole archive.
    async fn judge(self, archive: Bytes) -> Result<JudgedArchive> {
        let Self { limits, turns: Turns { turns, place }, rule, .. } = self;
        let turn = turns.acquire_owned().await.map_err(Error::internal)?;
        let judge = task::spawn_blocking(move || {
            let _held = (turn, place);
            archive::judge(archive.reader(), &limits, rule)
        });
        judge.await.map_err(Error::internal)?
    }

    /// Starts to judge an archive that begins with `first`, for as long as
    /// chunks come; `None` where the system gives no thread for it.
    ///
    /// The thread is its own: it waits for a client, and the runtime's are for
    /// what ends soon.
    fn start(self, first: Bytes) -> Option<Thread> {
        let Self { limits, turns: Turns { turns, place }, rule, check } = self;
        let (chunks, received) = mpsc::channel(CHUNKS);
        let (tell, verdict) = oneshot::channel();
        let work = Work::new(turns);
        let judge = move || {
            let _place = place;
            let reader = ChunkReader { chunks: received, current: first, work: work.clone() };
            let judged = work.begin().and_then(|()| {
                archive::judge(reader, &limits, |manifest| {
                    rule(manifest)?;
                    work.wait(check(manifest.clone()))
                })
            });
            // Nobody may wait for it any more.
            let _ = tell.send(judged);
        };
        thread::Builder::new().name("judge".to_owned()).spawn(judge).ok()?;
        Some(Thread { chunks, verdict })
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
    verdict: oneshot::Receiver<Result<JudgedArchive>>,
}

impl Thread {
    async fn end(self) -> Result<JudgedArchive> {
        drop(self.chunks);
        self.verdict.await.map_err(|_| Error::internal("the judge of an archive panicked"))?
    }
}

/// Reads the chunks of a channel, each in a turn of its own.
struct ChunkReader {
    chunks: mpsc::Receiver<Bytes>,
    current: Bytes,
    work: Work,
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            self.work.rest();
            let next = self.chunks.blocking_recv();
            self.work.begin().map_err(io::Error::other)?;
            match next {
                Some(chunk) => self.current = chunk,
                None => return Ok(0),
            }
        }
        let some = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..some]);
        Ok(some)
    }
}
