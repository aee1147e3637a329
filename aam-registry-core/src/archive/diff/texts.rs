//! The contents that are worth holding.

use std::collections::HashMap;

use crate::{
    archive::judge::Sink,
    error::Result,
    types::{ArchiveFile, Sha256Digest},
};

/// The most bytes of a file whose lines are compared.
pub const MAX_DIFFED_FILE: usize = 256 * 1024;
/// The most bytes held of one archive.
const MAX_HELD: usize = 16 * 1024 * 1024;
/// How far a file is searched for a NUL, as git does.
const SNIFFED: usize = 8000;

/// What a file holds.
#[derive(Debug)]
pub(super) enum Body {
    Text(String),
    Binary,
    /// It may be text, but it is not held.
    Large,
}

/// The contents of an archive's files by digest: files that are alike are held once.
#[derive(Default)]
pub(super) struct Texts {
    bodies: HashMap<Sha256Digest, Body>,
    held: usize,
    current: Vec<u8>,
    /// How much of the current file is to be held.
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
            // A character may be cut where the reading stopped.
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
