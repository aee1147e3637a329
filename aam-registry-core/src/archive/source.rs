use std::io::{self, Read};

use crate::error::Error;

/// The compressed bytes as they arrive. Counts them against the limit, and distinguishes a failed read
/// from a damaged archive.
pub(super) struct Source<'a> {
    reader: &'a mut dyn Read,
    left: u64,
    limit: u64,
}

impl<'a> Source<'a> {
    pub(super) fn new(reader: &'a mut dyn Read, limit: u64) -> Self {
        Self { reader, left: limit, limit }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            match self.reader.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An error of the registry inside is the actual reason, such as an upload that was too
                // slow.
                Err(error) => {
                    let cause = error.downcast::<Error>().unwrap_or_else(|error| Error::storage(error, true));
                    return Err(io::Error::other(cause));
                }
                Ok(read) => break read,
            }
        };
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(Error::PayloadTooLarge(format!("The archive has more than {} bytes", self.limit)))
        })?;
        Ok(read)
    }
}

/// Counts what is read through it.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.count += read as u64;
        Ok(read)
    }
}
