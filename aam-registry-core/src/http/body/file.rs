use std::{
    fs::File,
    future::Future,
    io::{self, Read},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::task::JoinHandle;

/// The most bytes read from a file at once, and so the memory of one download from a file. A chunk of
/// this size stays in a processor's own cache until it is sent.
const CHUNK: usize = 128 * 1024;
/// How many bytes are read first, so that a client that reads nothing costs little.
const FIRST_CHUNK: usize = 16 * 1024;
/// A read is at most the number of bytes sent so far divided by this.
const GROWTH: u64 = 8;

/// The next `remaining` bytes of an open file, read in chunks.
///
/// Bytes in the system's page cache are read directly, others on a blocking thread.
#[derive(Debug)]
pub(super) struct FileBody {
    state: State,
    given: u64,
    remaining: u64,
    spare: Spare,
}

#[derive(Debug)]
enum State {
    Idle(File),
    Reading(JoinHandle<io::Result<(File, Chunk)>>),
    Done,
}

impl FileBody {
    pub(super) fn new(file: File, len: u64) -> Self {
        Self { state: State::Idle(file), given: 0, remaining: len, spare: Spare::default() }
    }

    pub(super) fn remaining(&self) -> u64 {
        self.remaining
    }

    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let len = self.next_len();
            match &mut self.state {
                State::Reading(reading) => {
                    let (file, chunk) = match ready!(Pin::new(reading).poll(cx)) {
                        Ok(Ok(read)) => read,
                        Ok(Err(error)) => return self.fail(error),
                        Err(join) => return self.fail(io::Error::other(join)),
                    };
                    self.state = State::Idle(file);
                    return self.give(chunk);
                }
                State::Idle(file) if self.remaining > 0 => {
                    let mut chunk = self.spare.chunk(len);
                    if chunk.read_cached(file) {
                        return self.give(chunk);
                    }
                    let State::Idle(mut file) = std::mem::replace(&mut self.state, State::Done) else { continue };
                    self.state = State::Reading(tokio::task::spawn_blocking(move || {
                        chunk.read(&mut file)?;
                        Ok((file, chunk))
                    }));
                }
                State::Idle(_) | State::Done => return Poll::Ready(None),
            }
        }
    }

    fn next_len(&self) -> usize {
        let grown = usize::try_from(self.given / GROWTH).map_or(CHUNK, |len| len.clamp(FIRST_CHUNK, CHUNK));
        usize::try_from(self.remaining).map_or(grown, |remaining| remaining.min(grown))
    }

    fn give(&mut self, chunk: Chunk) -> Poll<Option<io::Result<Bytes>>> {
        self.given += chunk.len as u64;
        self.remaining -= chunk.len as u64;
        Poll::Ready(Some(Ok(Bytes::from_owner(chunk))))
    }

    fn fail(&mut self, error: io::Error) -> Poll<Option<io::Result<Bytes>>> {
        self.state = State::Done;
        Poll::Ready(Some(Err(error)))
    }
}

/// The memory of a chunk that was sent, to be used for the next one.
#[derive(Clone, Debug, Default)]
struct Spare(Arc<Mutex<Option<Box<[u8]>>>>);

impl Spare {
    fn chunk(&self, len: usize) -> Chunk {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let memory = spare.filter(|memory| memory.len() >= len).unwrap_or_else(|| vec![0; len].into());
        Chunk { len, memory, home: self.clone() }
    }
}

/// The bytes of one read. Dropping it returns its memory for the next read.
#[derive(Debug)]
struct Chunk {
    memory: Box<[u8]>,
    len: usize,
    home: Spare,
}

impl Chunk {
    /// Reads bytes that are in the page cache, if there are any.
    fn read_cached(&mut self, file: &File) -> bool {
        match read_cached(file, &mut self.memory[..self.len]) {
            Ok(read) if read > 0 => {
                self.len = read;
                true
            }
            // The blocking read reports a file that is too short, or an error.
            _ => false,
        }
    }

    fn read(&mut self, file: &mut File) -> io::Result<()> {
        file.read_exact(&mut self.memory[..self.len])
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        *self.home.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(memory);
    }
}

/// Reads from the current position of a file, without waiting for a disk.
#[cfg(target_os = "linux")]
fn read_cached(file: &File, into: &mut [u8]) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};

    // Makes preadv2(2) use the file's own position and advance it.
    const WHERE_IT_STANDS: u64 = u64::MAX;
    Ok(preadv2(file, &mut [io::IoSliceMut::new(into)], WHERE_IT_STANDS, ReadWriteFlags::NOWAIT)?)
}

/// Other systems cannot read without waiting.
#[cfg(not(target_os = "linux"))]
fn read_cached(_: &File, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        io::{Seek, Write},
    };

    use super::*;

    fn file_of(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("written");
        file.rewind().expect("its start");
        file
    }

    async fn next(body: &mut FileBody) -> Bytes {
        poll_fn(|cx| body.poll_chunk(cx)).await.expect("not its end").expect("read")
    }

    #[tokio::test]
    async fn the_memory_of_what_was_sent_is_used_again_and_of_what_was_not_is_left_alone() {
        let content = [0, 1, 2].map(|byte| vec![byte; FIRST_CHUNK]).concat();
        let mut body = FileBody::new(file_of(&content), content.len() as u64);
        let first = next(&mut body).await;
        let memory = first.as_ptr();
        drop(first);
        let second = next(&mut body).await;
        assert_eq!(second.as_ptr(), memory);
        let third = next(&mut body).await;
        assert!(third.iter().all(|byte| *byte == 2) && second.iter().all(|byte| *byte == 1));
    }

    #[tokio::test]
    async fn who_takes_nothing_holds_little_and_who_goes_on_gets_more_at_once() {
        let content = vec![7; 3 << 20];
        let mut body = FileBody::new(file_of(&content), content.len() as u64);
        assert_eq!(next(&mut body).await.len(), FIRST_CHUNK);
        let mut largest = 0;
        while body.remaining() > 0 {
            largest = largest.max(next(&mut body).await.len());
        }
        assert_eq!(largest, CHUNK);
    }

    #[tokio::test]
    async fn what_the_system_does_not_hold_is_read_all_the_same() {
        let content: Vec<u8> = (0..=255).cycle().take(2 * CHUNK + 100).collect();
        let mut file = file_of(&content);
        let mut spare = Spare::default().chunk(CHUNK);
        spare.read(&mut file).expect("read");
        assert_eq!(spare.as_ref(), &content[..CHUNK]);
        let mut body = FileBody::new(file, (content.len() - CHUNK) as u64);
        let mut rest = Vec::new();
        while body.remaining() > 0 {
            rest.extend_from_slice(&next(&mut body).await);
        }
        assert_eq!(rest, content[CHUNK..]);
    }
}
