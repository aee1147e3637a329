//! The file contents that are kept in memory for a comparison.

use std::collections::HashMap;

use crate::{
    archive::judge::Sink,
    error::Result,
    types::{ArchiveFile, Sha256Digest},
};

/// The most bytes of a file whose lines are compared.
pub const MAX_DIFFED_FILE: usize = 256 * 1024;
/// The most bytes kept of one archive.
const MAX_HELD: usize = 16 * 1024 * 1024;
/// How many bytes of a file are searched for a NUL; git uses the same number.
const SNIFFED: usize = 8000;

/// The contents of a file, as a comparison needs them.
#[derive(Debug)]
pub(super) enum Body {
    Text(String),
    Binary,
    /// It may be text, but is too large to keep.
    Large,
}

/// The contents of an archive's files by digest, so that identical files are kept once.
#[derive(Default)]
pub(super) struct Texts {
    bodies: HashMap<Sha256Digest, Body>,
    held: usize,
    current: Vec<u8>,
    /// How many bytes of the current file to keep.
    keep: usize,
}

impl Texts {
    pub(super) fn body(&self, sha256: &Sha256Digest) -> &Body {
        self.bodies.get(sha256).unwrap_or(&Body::Large)
    }
}

impl Sink for Texts {
    fn file(&mut self, _path: &str, size: u64, _executable: bool) -> Result<()> {
        self.current.clear();
        let whole = usize::try_from(size).ok().filter(|size| *size <= MAX_DIFFED_FILE.min(MAX_HELD - self.held));
        self.keep = whole.unwrap_or(SNIFFED);
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) -> Result<()> {
        let room = self.keep - self.current.len();
        self.current.extend_from_slice(&piece[..piece.len().min(room)]);
        Ok(())
    }

    fn end(&mut self, file: &ArchiveFile) -> Result<()> {
        if self.bodies.contains_key(&file.sha256) {
            return Ok(());
        }
        let whole = self.current.len() as u64 == file.size;
        let body = match std::str::from_utf8(&self.current) {
            _ if self.current[..self.current.len().min(SNIFFED)].contains(&0) => Body::Binary,
            Ok(text) if whole => Body::Text(text.to_owned()),
            Ok(_) => Body::Large,
            // The last character may be incomplete where reading stopped.
            Err(error) if !whole && error.error_len().is_none() => Body::Large,
            Err(_) => Body::Binary,
        };
        if let Body::Text(text) = &body {
            self.held += text.len();
        }
        self.bodies.insert(file.sha256, body);
        Ok(())
    }
}
