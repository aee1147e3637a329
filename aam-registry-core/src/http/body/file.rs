use std::{
    fs::File,
    future::Future,
    io::{self, Read},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::task::JoinHandle;

/// How much of a file is read at once, and so how much memory one download of a file holds.
const CHUNK: u64 = 256 * 1024;

/// The next `remaining` bytes of an open file, read in chunks off the async threads.
#[derive(Debug)]
pub(super) struct FileBody {
    state: State,
    remaining: u64,
}

#[derive(Debug)]
enum State {
    Idle(File),
    Reading(JoinHandle<io::Result<(File, Bytes)>>),
    Done,
}

impl FileBody {
    pub(super) fn new(file: File, len: u64) -> Self {
        Self { state: State::Idle(file), remaining: len }
    }

    pub(super) fn remaining(&self) -> u64 {
        self.remaining
    }

    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match &mut self.state {
                State::Reading(reading) => {
                    let (file, chunk) = match ready!(Pin::new(reading).poll(cx)) {
                        Ok(Ok(read)) => read,
                        Ok(Err(error)) => return self.fail(error),
                        Err(join) => return self.fail(io::Error::other(join)),
                    };
                    self.remaining -= chunk.len() as u64;
                    self.state = State::Idle(file);
                    return Poll::Ready(Some(Ok(chunk)));
                }
                State::Idle(_) if self.remaining > 0 => {
                    let State::Idle(file) = std::mem::replace(&mut self.state, State::Done) else { continue };
                    let len = self.remaining.min(CHUNK);
                    self.state = State::Reading(tokio::task::spawn_blocking(move || read_chunk(file, len)));
                }
                State::Idle(_) | State::Done => return Poll::Ready(None),
            }
        }
    }

    fn fail(&mut self, error: io::Error) -> Poll<Option<io::Result<Bytes>>> {
        self.state = State::Done;
        Poll::Ready(Some(Err(error)))
    }
}

fn read_chunk(mut file: File, len: u64) -> io::Result<(File, Bytes)> {
    let mut chunk = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    let read = Read::by_ref(&mut file).take(len).read_to_end(&mut chunk)?;
    if read as u64 == len { Ok((file, chunk.into())) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
