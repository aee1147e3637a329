use std::{
    fs::File,
    io::{self, Cursor, Read, Take},
};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use tokio::runtime::Handle;

use crate::{archive::ArchiveLimits, ports::ArchiveContent};

/// No limits: the archives were judged by those in force when they were
/// published, and stay readable under stricter ones.
pub(super) const ACCEPTED: ArchiveLimits = ArchiveLimits::NONE;

/// Reads an open archive on a blocking thread.
pub(in crate::registry) enum ArchiveReader {
    Bytes(Cursor<Bytes>),
    File(Take<File>),
    Stream { stream: BoxStream<'static, io::Result<Bytes>>, current: Bytes, runtime: Handle },
}

impl ArchiveReader {
    /// The reader of `content`; must be made on an async thread.
    pub(in crate::registry) fn new(content: ArchiveContent) -> Self {
        match content {
            ArchiveContent::Bytes(bytes) => Self::Bytes(Cursor::new(bytes)),
            ArchiveContent::File { file, len } => Self::File(file.take(len)),
            ArchiveContent::Stream { stream, .. } => {
                Self::Stream { stream, current: Bytes::new(), runtime: Handle::current() }
            }
        }
    }
}

impl Read for ArchiveReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Bytes(bytes) => bytes.read(buffer),
            Self::File(file) => file.read(buffer),
            Self::Stream { stream, current, runtime } => {
                while current.is_empty() {
                    match runtime.block_on(stream.next()) {
                        Some(chunk) => *current = chunk?,
                        None => return Ok(0),
                    }
                }
                let some = current.len().min(buffer.len());
                buffer[..some].copy_from_slice(&current.split_to(some));
                Ok(some)
            }
        }
    }
}
