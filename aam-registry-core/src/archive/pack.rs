use std::{
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

use super::{
    failure::{invalid, invalid_entry},
    judge::{MANIFEST, check_artifacts},
    names::{self, NameRule},
    tree::Tree,
    unpack::disk,
};
use crate::{
    error::{Error, Result},
    types::{ArchiveFile, Manifest, package_path},
};

/// The operating system "unknown" in the gzip header (RFC 1952), so that every system packs the same
/// bytes.
const ANY_SYSTEM: u8 = 255;

/// One file to pack.
#[derive(Clone, Debug)]
pub struct PackEntry {
    /// Its path in the archive.
    pub path: String,
    /// Whether it may be executed.
    pub executable: bool,
    /// Its contents.
    pub contents: PackContents,
}

/// Where the contents of a file to pack come from.
#[derive(Clone, Debug)]
pub enum PackContents {
    /// A regular file on the disk.
    Path(PathBuf),
    /// Memory.
    Bytes(Vec<u8>),
}

/// Packs files into an `.aam`, and lists them by path.
///
/// Reproducible: the same files give the same bytes, in whatever order they are given and wherever they
/// are stored. Entries are sorted by path with `aam.yaml` first; there are no folder entries; times and
/// owners are 0, modes 755 and 644. [`judge`](super::judge) accepts the result if it is within its
/// limits. Blocks.
///
/// # Errors
/// [`InvalidArchive`](Error::InvalidArchive) and [`InvalidManifest`](Error::InvalidManifest) if no
/// registry would accept the files; an internal error if the disk or `out` fails.
pub fn pack(mut entries: Vec<PackEntry>, out: impl Write) -> Result<Vec<ArchiveFile>> {
    let mut tree = Tree::new(NameRule::Portable);
    for entry in &mut entries {
        let path = package_path(&entry.path).map_err(|fault| invalid_entry(entry.path.as_bytes(), fault))?;
        names::check(path, NameRule::Portable).map_err(|fault| invalid_entry(path.as_bytes(), fault))?;
        tree.add(path, false)?;
        entry.path = path.to_owned();
    }
    entries.sort_by(|a, b| (a.path != MANIFEST, &a.path).cmp(&(b.path != MANIFEST, &b.path)));
    let manifest = read_manifest(&entries)?;
    let mut paths: Vec<&str> = entries.iter().map(|entry| &*entry.path).collect();
    paths.sort_unstable();
    check_artifacts(&manifest, &paths, &[])?;
    names::refuse_repository(paths.iter().copied())?;

    let gzip: GzEncoder<_> = GzBuilder::new().mtime(0).operating_system(ANY_SYSTEM).write(out, Compression::default());
    let mut tar = Builder::new(gzip);
    let mut files = entries.iter().map(|entry| append(&mut tar, entry)).collect::<Result<Vec<_>>>()?;
    let written = tar.into_inner().and_then(GzEncoder::finish).and_then(|mut out| out.flush());
    written.map_err(Error::internal)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn read_manifest(entries: &[PackEntry]) -> Result<Manifest> {
    let Some(entry) = entries.first().filter(|entry| entry.path == MANIFEST) else {
        return Err(invalid("There is no aam.yaml at the package's root; make one with `aam pkg init`"));
    };
    let (contents, _) = open(&entry.contents)?;
    let mut yaml = Vec::new();
    contents.take(Manifest::MAX_SIZE as u64 + 1).read_to_end(&mut yaml).map_err(Error::internal)?;
    Manifest::parse(&yaml).map_err(Error::InvalidManifest)
}

/// The contents and their length in bytes.
fn open(contents: &PackContents) -> Result<(Box<dyn Read + '_>, u64)> {
    match contents {
        PackContents::Bytes(bytes) => Ok((Box::new(&**bytes), bytes.len() as u64)),
        PackContents::Path(path) => {
            let file = File::open(path).map_err(|error| disk(path, &error))?;
            let metadata = file.metadata().map_err(|error| disk(path, &error))?;
            if !metadata.is_file() {
                return Err(invalid(format!("{} is not a regular file", path.display())));
            }
            Ok((Box::new(file), metadata.len()))
        }
    }
}

fn append(tar: &mut Builder<impl Write>, entry: &PackEntry) -> Result<ArchiveFile> {
    let (contents, size) = open(&entry.contents)?;
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_mode(if entry.executable { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut contents = Exactly { contents, left: size, hasher: Sha256::new() };
    tar.append_data(&mut header, &entry.path, &mut contents).map_err(|error| disk(entry.path.as_ref(), &error))?;
    let sha256 = <[u8; 32]>::from(contents.hasher.finalize()).into();
    Ok(ArchiveFile { path: entry.path.clone(), size, sha256, executable: entry.executable })
}

/// Reads exactly as many bytes as the header says, even if the file changes meanwhile.
struct Exactly<R> {
    contents: R,
    left: u64,
    hasher: Sha256,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.contents.read(&mut buf[..most])?;
        if read == 0 && most > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was packed"));
        }
        self.left -= read as u64;
        self.hasher.update(&buf[..read]);
        Ok(read)
    }
}
