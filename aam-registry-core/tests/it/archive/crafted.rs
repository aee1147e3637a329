//! Archives built byte by byte, so that they can be wrong in any way.

use std::{
    cell::Cell,
    io::{self, Read, Write},
};

use aam_registry_core::{
    Error,
    archive::{ArchiveLimits, JudgedArchive, judge},
};
use flate2::{Compression, write::GzEncoder};

pub(crate) const MANIFEST: &str =
    "name: a\nversion: 1.0.0\ndescription: d\nartifacts:\n  prompts:\n    - {name: p, path: p.md}\n";

/// A tar being built.
#[derive(Clone, Default)]
pub(crate) struct Tar(Vec<u8>);

/// One header block; fields that are not set have the values that common packers write.
#[derive(Clone)]
pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: u8,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) link: Vec<u8>,
}

impl Header {
    pub(crate) fn new(kind: u8, name: impl AsRef<[u8]>, size: u64) -> Self {
        Self { name: name.as_ref().to_vec(), kind, size, mode: 0o644, link: Vec::new() }
    }

    pub(crate) fn block(&self) -> [u8; 512] {
        let mut block = [0; 512];
        block[..self.name.len()].copy_from_slice(&self.name);
        block[100..107].copy_from_slice(format!("{:07o}", self.mode).as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", self.size).as_bytes());
        block[156] = self.kind;
        block[157..157 + self.link.len()].copy_from_slice(&self.link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        checksummed(block)
    }
}

/// The block with the right checksum.
pub(crate) fn checksummed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

/// One PAX record.
pub(crate) fn record(key: &str, value: &str) -> Vec<u8> {
    let payload = key.len() + value.len() + 3;
    let length = (payload..payload + 20).find(|n| n.to_string().len() + payload == *n).expect("a length");
    format!("{length} {key}={value}\n").into_bytes()
}

impl Tar {
    /// A tar with a valid manifest and the prompt it names.
    pub(crate) fn valid() -> Self {
        Self::default().file("aam.yaml", MANIFEST).file("p.md", "Hello")
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn entry(self, header: &Header, contents: &[u8]) -> Self {
        let padding = vec![0; contents.len().next_multiple_of(512) - contents.len()];
        self.raw(&header.block()).raw(contents).raw(&padding)
    }

    pub(crate) fn file(self, name: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        let contents = contents.as_ref();
        self.entry(&Header::new(b'0', name, contents.len() as u64), contents)
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.entry(&Header::new(b'5', name, 0), b"")
    }

    pub(crate) fn link(self, kind: u8, name: &str, target: &str) -> Self {
        self.entry(&Header { link: target.into(), ..Header::new(kind, name, 0) }, b"")
    }

    pub(crate) fn extension(self, kind: u8, data: &[u8]) -> Self {
        self.entry(&Header::new(kind, "ext", data.len() as u64), data)
    }

    /// The tar without an end marker.
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// The complete archive.
    pub(crate) fn aam(self) -> Vec<u8> {
        gzip(&self.raw(&[0; 1024]).0)
    }

    pub(crate) fn judged(self) -> Result<JudgedArchive, Error> {
        judged(&self.aam())
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_at(Compression::fast(), bytes)
}

pub(crate) fn gzip_at(level: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// Bytes that do not compress.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let mut bytes: Vec<u8> = words.take(length.div_ceil(8)).flatten().collect();
    bytes.truncate(length);
    bytes
}

/// Counts the bytes read from an archive.
pub(crate) struct Counting<'a> {
    pub(crate) aam: &'a [u8],
    pub(crate) read: &'a Cell<usize>,
}

impl Read for Counting<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.aam.read(buf)?;
        self.read.set(self.read.get() + n);
        Ok(n)
    }
}

pub(crate) fn judged(aam: &[u8]) -> Result<JudgedArchive, Error> {
    judge(aam, &ArchiveLimits::default(), |_| Ok(()))
}

/// Asserts that it is refused as `invalid_archive` with that reason.
pub(crate) fn assert_refused(result: Result<JudgedArchive, Error>, reason: &str) {
    match result {
        Err(Error::InvalidArchive(message)) => assert!(message.contains(reason), "{message:?} lacks {reason:?}"),
        other => panic!("expected a refusal with {reason:?}, got {other:?}"),
    }
}
