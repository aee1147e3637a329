use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use aam_registry_core::{ports::ArchiveContent, types::Sha256Digest};
use futures_util::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// Replaces a file by a YAML document. Every text is quoted, because some clients would read `1.10` as a number.
pub(crate) fn write_document(file: &Path, document: &impl Serialize) -> io::Result<()> {
    let options = serde_saphyr::ser_options! { quote_all: true };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, document, options).map_err(io::Error::other)?;
    replace(file, |part| part.write_all(text.as_bytes()))
}

/// Reads a YAML document; `None` if there is no such file.
pub(crate) fn read_document<T: DeserializeOwned>(file: &Path) -> io::Result<Option<T>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    serde_saphyr::from_str(&text).map(Some).map_err(io::Error::other)
}

/// Writes an archive to a file that appears when all of its bytes are durable, and is the digest that is expected.
pub(crate) async fn write_archive(file: &Path, content: ArchiveContent, expected: Sha256Digest) -> io::Result<()> {
    let mut part = part_of(file)?;
    let mut hasher = Sha256::new();
    let mut take = |bytes: &[u8]| {
        hasher.update(bytes);
        part.write_all(bytes)
    };
    match content {
        ArchiveContent::Bytes(bytes) => take(&bytes)?,
        ArchiveContent::File { file, len } => copy(&mut file.take(len), &mut take)?,
        ArchiveContent::Stream { mut stream, .. } => {
            while let Some(bytes) = stream.next().await {
                take(&bytes?)?;
            }
        }
    }
    let digest = Sha256Digest::from(<[u8; 32]>::from(hasher.finalize()));
    if digest != expected {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "the stored archive has the SHA-256 {digest}, not {expected}: run `aam-registry storage verify --deep`"
            ),
        ));
    }
    finish(part, file)
}

/// The digest of a file; `None` if there is none.
pub(crate) fn digest_of(file: &Path) -> io::Result<Option<Sha256Digest>> {
    let mut open = match fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut hasher = Sha256::new();
    copy(&mut open, &mut |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(Some(<[u8; 32]>::from(hasher.finalize()).into()))
}

fn copy(from: &mut impl Read, to: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            read => to(&buffer[..read])?,
        }
    }
}

/// Replaces a file, so that it is never seen half written.
fn replace(file: &Path, write: impl FnOnce(&mut tempfile::NamedTempFile) -> io::Result<()>) -> io::Result<()> {
    let mut part = part_of(file)?;
    write(&mut part)?;
    finish(part, file)
}

/// A new file beside `file` that everybody may read, as far as the process's umask lets them.
fn part_of(file: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".part-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn finish(part: tempfile::NamedTempFile, file: &Path) -> io::Result<()> {
    part.as_file().sync_all()?;
    part.persist(file)?;
    Ok(())
}
