use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

use super::file::FileBody;

/// The body of every answer of the registry.
///
/// Its size is known exactly, unless it is compressed. A source that ends before its announced length
/// is an error, so that a truncated archive never looks complete.
#[derive(Default)]
pub struct RegistryBody(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    File(FileBody),
    Stream {
        stream: BoxStream<'static, io::Result<Bytes>>,
        remaining: u64,
    },
    Boxed(UnsyncBoxBody<Bytes, io::Error>),
}

impl RegistryBody {
    /// No body.
    pub fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// A body of `len` bytes of `file`, from its current position.
    pub(crate) fn file(file: std::fs::File, len: u64) -> Self {
        Self(Kind::File(FileBody::new(file, len)))
    }

    /// A stream that holds exactly `len` bytes.
    pub(crate) fn stream(stream: BoxStream<'static, io::Result<Bytes>>, len: u64) -> Self {
        Self(Kind::Stream { stream, remaining: len })
    }

    /// All bytes, if they are in memory.
    pub(crate) fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether all bytes are in memory that a cache shares, so that holding them until they are sent
    /// costs no memory of its own.
    pub fn is_shared(&self) -> bool {
        matches!(&self.0, Kind::Bytes(bytes) if !bytes.is_unique())
    }

    /// Another body, such as a compressed one.
    pub(crate) fn boxed<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self(Kind::Boxed(body.map_err(io::Error::other).boxed_unsync()))
    }
}

impl From<Bytes> for RegistryBody {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self(Kind::Bytes(bytes)) }
    }
}

impl From<String> for RegistryBody {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for RegistryBody {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl Body for RegistryBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = match &mut self.0 {
            Kind::Empty => None,
            Kind::Bytes(_) => match std::mem::take(&mut self.0) {
                Kind::Bytes(bytes) => Some(Ok(bytes)),
                _ => None,
            },
            Kind::File(file) => ready!(file.poll_chunk(cx)),
            Kind::Stream { stream, remaining } => ready!(poll_stream(stream, remaining, cx)),
            Kind::Boxed(body) => return Pin::new(body).poll_frame(cx),
        };
        if !matches!(chunk, Some(Ok(_))) {
            self.0 = Kind::Empty;
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Bytes(_) => false,
            Kind::File(file) => file.remaining() == 0,
            Kind::Stream { remaining, .. } => *remaining == 0,
            Kind::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::File(file) => SizeHint::with_exact(file.remaining()),
            Kind::Stream { remaining, .. } => SizeHint::with_exact(*remaining),
            Kind::Boxed(body) => body.size_hint(),
        }
    }
}

fn poll_stream(
    stream: &mut BoxStream<'static, io::Result<Bytes>>,
    remaining: &mut u64,
    cx: &mut Context<'_>,
) -> Poll<Option<io::Result<Bytes>>> {
    Poll::Ready(match ready!(stream.poll_next_unpin(cx)) {
        Some(Ok(chunk)) => match remaining.checked_sub(chunk.len() as u64) {
            Some(rest) => {
                *remaining = rest;
                Some(Ok(chunk))
            }
            None => Some(Err(io::Error::other("more bytes came than were announced"))),
        },
        None if *remaining > 0 => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        other => other,
    })
}

impl fmt::Debug for RegistryBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Empty => "Empty",
            Kind::Bytes(_) => "Bytes",
            Kind::File(_) => "File",
            Kind::Stream { .. } => "Stream",
            Kind::Boxed(_) => "Boxed",
        };
        f.debug_struct("RegistryBody").field("kind", &kind).field("size", &self.size_hint().exact()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    fn stream_of(chunks: &[&'static str]) -> BoxStream<'static, io::Result<Bytes>> {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        futures_util::stream::iter(chunks).boxed()
    }

    #[tokio::test]
    async fn a_file_arrives_whole_from_its_position() {
        let mut file = tempfile::tempfile().expect("file");
        let content: Vec<u8> = (0..=255).cycle().take(700_000).collect();
        file.write_all(&content).expect("written");
        file.seek(io::SeekFrom::Start(100)).expect("position");
        let body = RegistryBody::file(file, 600_000);
        assert_eq!(body.size_hint().exact(), Some(600_000));
        let read = body.collect().await.expect("body").to_bytes();
        assert!(read[..] == content[100..600_100]);
    }

    #[tokio::test]
    async fn a_source_that_ends_early_is_an_error() {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(b"short").expect("written");
        file.rewind().expect("position");
        assert!(RegistryBody::file(file, 6).collect().await.is_err());
        assert!(RegistryBody::stream(stream_of(&["ab", "c"]), 4).collect().await.is_err());
        assert!(RegistryBody::stream(stream_of(&["ab", "c"]), 2).collect().await.is_err());
        let whole = RegistryBody::stream(stream_of(&["ab", "c"]), 3).collect().await.expect("body");
        assert_eq!(whole.to_bytes(), "abc");
    }
}
