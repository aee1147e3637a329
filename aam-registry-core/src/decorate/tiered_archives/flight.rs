use std::{
    collections::VecDeque,
    fs::File,
    io,
    ops::Range,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::Notify;

use crate::error::Error;

/// How many bytes that are already on disk stay in memory for readers that keep up.
const WINDOW: u64 = 1 << 20;
/// How many bytes a reader that does not keep up reads from the file at once.
const CHUNK: u64 = 256 << 10;
/// How many of the last bytes are held back until the digest was checked.
const HELD_BACK: u64 = 16 << 10;

/// One fetch of an archive from the store, with any number of readers. Each reads at its own pace: a
/// slow one reads from disk what is no longer in memory.
#[derive(Debug)]
pub(super) struct Flight {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The bytes that arrived last, without gaps.
    window: VecDeque<Bytes>,
    window_start: u64,
    arrived: u64,
    /// The file that receives all bytes, and how many of them it has.
    file: Option<Arc<File>>,
    written: u64,
    is_open: bool,
    ending: Option<Ending>,
}

/// How a fetch ended.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// All bytes arrived and the digest is right; `Some` if they are in memory.
    Whole(Option<Bytes>),
    /// All bytes arrived and the digest is right; they are only on disk.
    OnDisk,
    /// The store has no such archive.
    Missing,
    /// The archive is not cached: each reader asks the store itself.
    Aside,
    /// The fetch failed, for this reason.
    Failed(Trouble),
}

/// Why a fetch failed, for every reader that waited for it.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) reason: Arc<str>,
    pub(super) retry: bool,
}

impl Trouble {
    pub(super) fn new(reason: impl std::fmt::Display, retry: bool) -> Self {
        Self { reason: reason.to_string().into(), retry }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::storage(&*trouble.reason, trouble.retry)
    }
}

/// What a reader can have of the archive now.
enum Look {
    Chunk(Bytes),
    OnDisk(Arc<File>, u64),
    NotYet,
    End,
    Failed(Trouble),
}

impl Flight {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells readers that bytes are about to arrive.
    pub(super) fn open(&self, file: Option<Arc<File>>) {
        let mut state = self.state();
        state.file = file;
        state.is_open = true;
        drop(state);
        self.changed.notify_waiters();
    }

    pub(super) fn arrive(&self, chunk: Bytes) {
        let mut state = self.state();
        state.arrived += chunk.len() as u64;
        state.window.push_back(chunk);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Records how many bytes are on disk, and need not stay in memory.
    pub(super) fn written(&self, written: u64) {
        let mut state = self.state();
        state.written = written;
        while let Some(first) = state.window.front() {
            let end = state.window_start + first.len() as u64;
            if end > written || state.arrived - end < WINDOW {
                break;
            }
            state.window.pop_front();
            state.window_start = end;
        }
    }

    /// All bytes, if memory holds them all.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        let state = self.state();
        if state.window_start > 0 {
            return None;
        }
        match state.window.len() {
            1 => state.window.front().cloned(),
            _ => Some(state.window.iter().map(|chunk| &chunk[..]).collect::<Vec<_>>().concat().into()),
        }
    }

    pub(super) fn end(&self, ending: Ending) {
        self.state().ending.get_or_insert(ending);
        self.changed.notify_waiters();
    }

    /// How the fetch ended, or `None` as soon as bytes may arrive.
    pub(super) async fn opened(&self) -> Option<Ending> {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            {
                let state = self.state();
                if state.ending.is_some() || state.is_open {
                    return state.ending.clone();
                }
            }
            changed.await;
        }
    }

    /// Streams the bytes of `range` as they arrive. The last bytes are held back until the digest of
    /// the whole archive was checked, and are never sent if it is wrong.
    pub(super) fn read(self: Arc<Self>, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        let end = range.end;
        let next = move |(flight, at): (Arc<Self>, u64)| async move {
            let bytes = flight.next(at, end).await?;
            Ok(bytes.map(|bytes| {
                let at = at + bytes.len() as u64;
                (bytes, (flight, at))
            }))
        };
        stream::try_unfold((self, range.start), next).boxed()
    }

    async fn next(&self, at: u64, end: u64) -> io::Result<Option<Bytes>> {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let look = self.state().look(at, end);
            match look {
                Look::Chunk(bytes) => return Ok(Some(bytes)),
                Look::OnDisk(file, len) => return read_at(file, at, len).await.map(Some),
                Look::NotYet => changed.await,
                Look::End => return Ok(None),
                Look::Failed(trouble) => return Err(io::Error::other(&*trouble.reason)),
            }
        }
    }
}

impl State {
    fn look(&self, at: u64, end: u64) -> Look {
        let until = match &self.ending {
            _ if at == end => return Look::End,
            Some(Ending::Failed(trouble)) => return Look::Failed(trouble.clone()),
            Some(_) => end,
            None => end.saturating_sub(HELD_BACK).min(self.arrived),
        };
        if at >= until {
            return Look::NotYet;
        }
        if at < self.window_start {
            let Some(file) = self.file.clone() else {
                return Look::Failed(Trouble::new("the bytes of a fetch are gone", true));
            };
            return Look::OnDisk(file, CHUNK.min(self.written.min(until) - at));
        }
        let mut start = self.window_start;
        for chunk in &self.window {
            let chunk_end = start + chunk.len() as u64;
            if at < chunk_end {
                let within = |position: u64| usize::try_from(position - start).unwrap_or(usize::MAX).min(chunk.len());
                return Look::Chunk(chunk.slice(within(at)..within(until)));
            }
            start = chunk_end;
        }
        Look::NotYet
    }
}

async fn read_at(file: Arc<File>, at: u64, len: u64) -> io::Result<Bytes> {
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        read_exact_at(&file, &mut bytes, at)?;
        Ok(Bytes::from(bytes))
    });
    read.await.map_err(io::Error::other)?
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                at += read as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_does_not_grow_with_what_lies_on_disk() {
        let flight = Flight::new();
        for arrived in 1..=100 {
            flight.arrive(Bytes::from(vec![0; 256 << 10]));
            flight.written(arrived * CHUNK);
            let held: usize = flight.state().window.iter().map(Bytes::len).sum();
            assert!(held as u64 <= WINDOW + CHUNK, "{held} bytes");
        }
        assert!(flight.bytes().is_none(), "not all are there");
    }
}
