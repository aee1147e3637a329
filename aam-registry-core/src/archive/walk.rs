//! The one walk over an archive. It enforces every rule except those of the manifest.

use std::{
    io::{BufRead, BufReader, Read},
    ops::ControlFlow,
};

use flate2::bufread::GzDecoder;
use tar::{Archive, EntryType, Header};

use super::{
    failure::{from_io, invalid, invalid_entry},
    limits::ArchiveLimits,
    member::{Description, Kind, Member, Prelude},
    names,
    pax::Pax,
    source::{Counted, Source},
    tree::Tree,
};
use crate::error::Result;

/// The most bytes of one long name or PAX header.
const MAX_EXTENSION: u64 = 1024 * 1024;
/// The most zeros after the end marker; tar writers pad to their block size.
const MAX_TAIL: u64 = 1024 * 1024;
const BLOCK: u64 = 512;
const BUFFER: usize = 64 * 1024;

/// Passes every entry to `visit`, in the archive's order, until `visit` stops or the archive has been
/// read to its verified end.
pub(super) fn walk(
    reader: &mut dyn Read,
    limits: &ArchiveLimits,
    visit: &mut dyn FnMut(Member<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let source = BufReader::with_capacity(BUFFER, Source::new(reader, limits.max_archive_size()));
    let mut archive = Archive::new(Counted { inner: GzDecoder::new(source), count: 0 });
    let mut budget = Budget { limits, unpacked: 0, entries: 0, paths: 0 };
    let mut tree = Tree::new(limits.names());
    let mut prelude = Prelude::default();
    let mut end = 0;

    for entry in archive.entries().map_err(from_io)?.raw(true) {
        let mut entry = entry.map_err(from_io)?;
        let header = entry.header().clone();
        end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
        if read_extension(&header, &mut entry, &mut budget, &mut prelude)? {
            continue;
        }
        let Description { path, kind, size } = Description::read(&header, std::mem::take(&mut prelude))?;
        budget.entry()?;
        budget.unpack(size)?;
        budget.path(&path)?;
        let is_folder = matches!(kind, Kind::Folder);
        if path.is_empty() {
            tree.add_root()?;
            continue;
        }
        names::check(&path, limits.names()).map_err(|fault| invalid_entry(path.as_bytes(), fault))?;
        tree.add(&path, is_folder)?;
        let member = match &kind {
            Kind::File { executable } => {
                Member::File { path: &path, size, executable: *executable, contents: &mut entry }
            }
            Kind::Folder => Member::Folder { path: &path },
            Kind::Link { target } => Member::Link { path: &path, target },
        };
        if visit(member)?.is_break() {
            return Ok(());
        }
    }
    if !prelude.is_empty() {
        return Err(invalid("The archive ends with a header for an entry that is not there"));
    }
    read_to_end(archive.into_inner(), end)
}

/// Adds an entry that only describes the next one to the prelude.
fn read_extension(
    header: &Header,
    entry: &mut impl Read,
    budget: &mut Budget<'_>,
    prelude: &mut Prelude,
) -> Result<bool> {
    let kind = header.entry_type();
    let is_extension =
        matches!(kind, EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink);
    if !is_extension {
        return Ok(false);
    }
    let size = header.entry_size().map_err(from_io)?;
    let known = header.as_gnu().is_some() || header.as_ustar().is_some();
    if size > MAX_EXTENSION || header.as_old().size[0] & 0x80 != 0 || !known {
        return Err(invalid("The archive holds an extended header that is too large or malformed"));
    }
    budget.unpack(size)?;
    let mut data = Vec::new();
    entry.take(size).read_to_end(&mut data).map_err(from_io)?;
    if data.len() as u64 != size {
        return Err(invalid("The archive ends in the middle of an extended header"));
    }
    let twice = match kind {
        EntryType::GNULongName => prelude.long_name.replace(without_nul(data)).is_some(),
        EntryType::GNULongLink => prelude.long_link.replace(without_nul(data)).is_some(),
        EntryType::XHeader => prelude.pax.replace(Pax::parse(&data)?).is_some(),
        _ => {
            // git stores a comment there; global headers that change later entries do not belong in a
            // package.
            budget.entry()?;
            !prelude.is_empty() || !Pax::parse(&data)?.is_empty()
        }
    };
    if twice {
        return Err(invalid("The archive holds extended headers that contradict each other"));
    }
    Ok(true)
}

/// GNU tar ends a long name with one NUL.
fn without_nul(mut name: Vec<u8>) -> Vec<u8> {
    name.pop_if(|last| *last == 0);
    name
}

/// Reads what follows the end marker: zeros, the gzip trailer, and nothing more.
fn read_to_end<R: BufRead>(mut tar: Counted<GzDecoder<R>>, end: u64) -> Result<()> {
    if tar.count < end + BLOCK {
        return Err(invalid("The archive has no end marker; it was cut off, pack it again"));
    }
    let mut buffer = [0; 4096];
    loop {
        let read = tar.read(&mut buffer).map_err(from_io)?;
        if read == 0 {
            break;
        }
        if buffer[..read].iter().any(|b| *b != 0) || tar.count - end > MAX_TAIL {
            return Err(invalid("The archive goes on after its end marker"));
        }
    }
    // The decoder has checked CRC and length when it reports the end of the data.
    let mut source = tar.inner.into_inner();
    if !source.fill_buf().map_err(from_io)?.is_empty() {
        return Err(invalid("The archive holds bytes after the end of its gzip stream"));
    }
    Ok(())
}

/// How much may still be read.
struct Budget<'a> {
    limits: &'a ArchiveLimits,
    unpacked: u64,
    entries: u64,
    paths: u64,
}

impl Budget<'_> {
    fn entry(&mut self) -> Result<()> {
        self.entries += 1;
        if self.entries > self.limits.max_entries() {
            return Err(invalid(format!("The archive has more than {} entries", self.limits.max_entries())));
        }
        Ok(())
    }

    fn path(&mut self, path: &str) -> Result<()> {
        self.paths = self.paths.saturating_add(path.len() as u64);
        let max = self.limits.max_paths_size();
        if self.paths > max {
            return Err(invalid(format!("The paths in the archive have more than {max} bytes together; shorten them")));
        }
        Ok(())
    }

    fn unpack(&mut self, bytes: u64) -> Result<()> {
        self.unpacked = self.unpacked.saturating_add(bytes);
        if self.unpacked > self.limits.max_unpacked_size() {
            return Err(too_large(self.limits));
        }
        Ok(())
    }
}

/// The error for an archive that exceeds its unpacked size.
pub(super) fn too_large(limits: &ArchiveLimits) -> crate::Error {
    invalid(format!("The archive unpacks to more than {} bytes", limits.max_unpacked_size()))
}
