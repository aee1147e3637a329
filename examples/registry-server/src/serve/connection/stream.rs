use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::{client::Client, frames::Frames, refusal};

/// The first bytes of every HTTP/2 connection (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How many bytes are read first from a client: most heads are shorter.
const FIRST_READ: usize = 1024;
/// How many bytes of a refused client are still read.
const LINGER: usize = 1024 * 1024;

/// The transport of a connection: TCP or TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// The TCP connection below.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for Box<TlsStream<TcpStream>> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// The protocol of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.0 and HTTP/1.1.
    Http1,
    /// HTTP/2, negotiated by TLS or with prior knowledge.
    Http2,
}

/// A transport that records in its [`Client`] what happens.
#[derive(Debug)]
pub(super) struct Stream<T: Transport> {
    io: T,
    client: Arc<Client>,
    protocol: Option<Protocol>,
    /// Bytes that were read and not passed on yet.
    unread: Bytes,
    /// The answer that replaces one that the HTTP library wrote.
    unsent: Bytes,
    lingered: usize,
    frames: Frames,
}

impl<T: Transport> Stream<T> {
    pub(super) fn new(io: T, client: Arc<Client>) -> Self {
        Self {
            io,
            client,
            protocol: None,
            unread: Bytes::new(),
            unsent: Bytes::new(),
            lingered: 0,
            frames: Frames::default(),
        }
    }

    /// Puts back bytes that were read and not understood.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        debug_assert!(self.unread.is_empty(), "what is put back was read before");
        // Copied, since a slice would keep the whole buffer alive.
        self.unread = Bytes::copy_from_slice(bytes);
    }

    /// Waits for the client's first bytes with very little memory; `None` if it closes the connection.
    pub(super) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Option<Protocol>> {
        loop {
            let is_http2 = HTTP2_PREFACE.starts_with(&self.unread[..self.unread.len().min(HTTP2_PREFACE.len())]);
            let protocol = match self.protocol {
                _ if self.unread.is_empty() => None,
                Some(protocol) => Some(protocol),
                None if !is_http2 => Some(Protocol::Http1),
                None => (self.unread.len() >= HTTP2_PREFACE.len()).then_some(Protocol::Http2),
            };
            if protocol.is_some() {
                self.protocol = protocol;
                return Poll::Ready(protocol);
            }
            let mut space = [MaybeUninit::uninit(); FIRST_READ];
            let mut read = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => {
                    let mut bytes = BytesMut::from(&*self.unread);
                    bytes.extend_from_slice(read.filled());
                    self.unread = bytes.freeze();
                    self.client.note_read();
                }
                Ok(()) | Err(_) => return Poll::Ready(None),
            }
        }
    }

    /// Discards the answer that the HTTP library writes when it does not understand a request, and
    /// sends the registry's own error answer instead.
    fn take_over(&mut self, written: &[IoSlice<'_>]) -> Option<usize> {
        if self.client.owes_answer() {
            return None;
        }
        let written: Vec<u8> = written.iter().flat_map(|part| part.iter().copied()).collect();
        self.unsent = refusal::in_place_of(&written)?;
        self.client.linger();
        Some(written.len())
    }

    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let written = Pin::new(&mut self.io).poll_write(cx, &self.unsent);
            self.client.note_write(&written);
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.unsent.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what a refused client still sends, up to a limit, until it closes the connection.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.client.lingers() && self.lingered < LINGER {
            let mut space = [MaybeUninit::uninit(); FIRST_READ];
            let mut read = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => self.lingered += read.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport> AsyncRead for Stream<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.unread.is_empty() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            if this.client.speaks_http2() {
                this.frames.read(buf.filled().len() - before, &this.client)?;
            }
        } else {
            let len = this.unread.len().min(buf.remaining());
            buf.put_slice(&this.unread.split_to(len));
        }
        this.client.note_read();
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport> AsyncWrite for Stream<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(taken) = this.take_over(&[IoSlice::new(buf)]) {
            return Poll::Ready(Ok(taken));
        }
        let written = Pin::new(&mut this.io).poll_write(cx, buf);
        this.client.note_write(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(taken) = this.take_over(bufs) {
            return Poll::Ready(Ok(taken));
        }
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.client.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(cx))?;
        // TLS buffers what the network did not accept.
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.client.note_flush(flushed.is_ready());
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.client.note_closing();
        ready!(this.poll_unsent(cx))?;
        ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        this.poll_linger(cx)
    }
}

impl<T: Transport> Drop for Stream<T> {
    fn drop(&mut self) {
        if self.client.is_cut() {
            // Otherwise the system would keep sending the rest to a client that does not read.
            let _ = self.io.tcp().set_zero_linger();
        }
    }
}
