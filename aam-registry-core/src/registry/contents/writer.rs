use std::{
    io::{self, Write},
    mem,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::{runtime::Handle, sync::mpsc, time};

/// How many bytes are handed on at once.
const CHUNK: usize = 64 * 1024;
/// How many chunks may wait for the reader.
const CHUNKS: usize = 8;
/// How long a reader may take none before the blocking thread is needed elsewhere.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes on a blocking thread what a stream gives on an async one.
pub(super) struct ChunkWriter {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    current: BytesMut,
    runtime: Handle,
}

impl ChunkWriter {
    /// A writer and the stream of what is written to it; must be made on an
    /// async thread.
    pub(super) fn new() -> (Self, BoxStream<'static, io::Result<Bytes>>) {
        let (chunks, mut written) = mpsc::channel(CHUNKS);
        let writer = Self { chunks, current: BytesMut::new(), runtime: Handle::current() };
        (writer, stream::poll_fn(move |context| written.poll_recv(context)).boxed())
    }

    /// Ends the stream: whole, or broken with `error`.
    pub(super) fn end(mut self, result: io::Result<()>) {
        // A reader that is gone needs no word of it.
        let _gone = result.and_then(|()| self.flush()).or_else(|error| self.send(Err(error)));
    }

    fn send(&self, chunk: io::Result<Bytes>) -> io::Result<()> {
        let sent = self.runtime.block_on(time::timeout(PATIENCE, self.chunks.send(chunk)));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = bytes.len().min(CHUNK - self.current.len());
        self.current.extend_from_slice(&bytes[..some]);
        if self.current.len() == CHUNK {
            self.flush()?;
        }
        Ok(some)
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = mem::take(&mut self.current).freeze();
        if chunk.is_empty() { Ok(()) } else { self.send(Ok(chunk)) }
    }
}
