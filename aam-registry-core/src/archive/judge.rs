use std::{collections::HashMap, io::Read, ops::ControlFlow};

use sha2::{Digest, Sha256};

use super::{
    failure::{from_io, invalid, invalid_entry},
    limits::ArchiveLimits,
    member::Member,
    names::{self, NameRule},
    texts::{ArtifactFinding, Texts},
    walk::{too_large, walk},
};
use crate::{
    error::{Error, Result},
    types::{ArchiveFile, Manifest},
};

pub(super) const MANIFEST: &str = "aam.yaml";
const README: &str = "readme.md";
const BUFFER: usize = 64 * 1024;

/// The most bytes of a README that are kept for display.
pub const MAX_README: usize = 1024 * 1024;

/// The contents of an archive that passed every rule.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedArchive {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its files, sorted by path. A link is listed as a copy of the file it names.
    pub files: Vec<ArchiveFile>,
    /// The `README.md` (in any case) at its root. Bytes that are not UTF-8 are replaced, and it is cut
    /// at [`MAX_README`] bytes.
    pub readme: Option<String>,
    /// What keeps tools from reading its artifacts, by path and line; nothing that makes the archive
    /// invalid. At most 1,000 findings; of long or many texts only the beginning is looked at.
    pub findings: Vec<ArtifactFinding>,
}

/// Checks a complete `.aam` against every rule of the [module](super).
///
/// Reads `reader` to its end unless the archive is refused before. `on_manifest` runs as soon as the
/// manifest is valid; an error that it returns ends the check. Blocks.
///
/// # Errors
/// [`InvalidArchive`](Error::InvalidArchive), [`InvalidManifest`](Error::InvalidManifest),
/// [`PayloadTooLarge`](Error::PayloadTooLarge), or the error of `on_manifest`.
/// If `reader` fails: the [`Error`] that its [`io::Error`](std::io::Error) carries, else an error of
/// the storage.
pub fn judge(
    mut reader: impl Read,
    limits: &ArchiveLimits,
    on_manifest: impl FnOnce(&Manifest) -> Result<()>,
) -> Result<JudgedArchive> {
    let mut on_manifest = Some(on_manifest);
    let mut once = |manifest: &Manifest| on_manifest.take().map_or(Ok(()), |call| call(manifest));
    judge_with(&mut reader, limits, &mut once, &mut Nowhere, Some(Texts::new()))
}

/// Receives the contents while they are checked.
pub(super) trait Sink {
    fn folder(&mut self, _path: &str) -> Result<()> {
        Ok(())
    }

    /// A file begins.
    fn file(&mut self, _path: &str, _size: u64, _executable: bool) -> Result<()> {
        Ok(())
    }

    /// A piece of the file that began last.
    fn write(&mut self, _piece: &[u8]) -> Result<()> {
        Ok(())
    }

    /// The file that began last is complete.
    fn end(&mut self, _file: &ArchiveFile) -> Result<()> {
        Ok(())
    }

    /// `copy` has the same contents as the file at `original`, which is complete.
    fn copy(&mut self, _original: &str, _copy: &ArchiveFile) -> Result<()> {
        Ok(())
    }
}

struct Nowhere;

impl Sink for Nowhere {}

/// Checks the archive and passes its contents to `sink` on the way. They are only known to be valid
/// when this function returns.
pub(super) fn judge_into(
    reader: &mut dyn Read,
    limits: &ArchiveLimits,
    on_manifest: &mut dyn FnMut(&Manifest) -> Result<()>,
    sink: &mut dyn Sink,
) -> Result<JudgedArchive> {
    judge_with(reader, limits, on_manifest, sink, None)
}

/// The same, looking at the texts of the artifacts if there are `texts`.
fn judge_with(
    reader: &mut dyn Read,
    limits: &ArchiveLimits,
    on_manifest: &mut dyn FnMut(&Manifest) -> Result<()>,
    sink: &mut dyn Sink,
    texts: Option<Texts>,
) -> Result<JudgedArchive> {
    let mut judging = Judging {
        sink,
        texts,
        limits,
        manifest: None,
        readme: None,
        files: Vec::new(),
        folders: Vec::new(),
        links: Vec::new(),
    };
    let mut buffer = vec![0; BUFFER];
    walk(reader, limits, &mut |member| {
        match member {
            Member::File { path, size, executable, contents } => {
                let begun = File { path, size, executable };
                judging.read_file(begun, contents, &mut buffer, on_manifest)?;
            }
            Member::Folder { path } => {
                judging.sink.folder(path)?;
                judging.folders.push(path.to_owned());
            }
            Member::Link { path, target } => judging.links.push((path.to_owned(), target.to_owned())),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    judging.finish()
}

struct File<'a> {
    path: &'a str,
    size: u64,
    executable: bool,
}

struct Judging<'a> {
    sink: &'a mut dyn Sink,
    texts: Option<Texts>,
    limits: &'a ArchiveLimits,
    manifest: Option<Manifest>,
    readme: Option<String>,
    files: Vec<ArchiveFile>,
    folders: Vec<String>,
    links: Vec<(String, String)>,
}

impl Judging<'_> {
    fn read_file(
        &mut self,
        File { path, size, executable }: File<'_>,
        contents: &mut dyn Read,
        buffer: &mut [u8],
        on_manifest: &mut dyn FnMut(&Manifest) -> Result<()>,
    ) -> Result<()> {
        let is_manifest = path == MANIFEST;
        let is_readme = path.eq_ignore_ascii_case(README);
        let keep = match (is_manifest, is_readme) {
            // One more than allowed, so that the manifest's own check sees that it is too large.
            (true, _) => Manifest::MAX_SIZE + 1,
            (_, true) => MAX_README,
            _ => 0,
        };
        self.sink.file(path, size, executable)?;
        let mut hasher = Sha256::new();
        let mut kept = Vec::new();
        let mut text = self.texts.as_ref().and_then(|texts| texts.begin(path));
        let mut left = size;
        while left > 0 {
            let read = contents.read(buffer).map_err(from_io)?;
            if read == 0 {
                return Err(invalid_entry(path.as_bytes(), "is cut off"));
            }
            let piece = &buffer[..read];
            hasher.update(piece);
            self.sink.write(piece)?;
            kept.extend_from_slice(&piece[..read.min(keep - kept.len())]);
            if let Some(text) = &mut text {
                text.write(piece);
            }
            left -= read as u64;
        }
        if is_manifest {
            let manifest = Manifest::parse_within(&kept, self.limits.manifest()).map_err(Error::InvalidManifest)?;
            on_manifest(&manifest)?;
            if let Some(texts) = &mut self.texts {
                texts.learn(&manifest);
            }
            self.manifest = Some(manifest);
        } else if is_readme {
            self.readme = Some(String::from_utf8_lossy(&kept).into_owned());
        }
        if let (Some(texts), Some(text)) = (&mut self.texts, text) {
            texts.end(path, text);
        }
        let sha256 = <[u8; 32]>::from(hasher.finalize()).into();
        let file = ArchiveFile { path: path.to_owned(), size, sha256, executable };
        self.sink.end(&file)?;
        self.files.push(file);
        Ok(())
    }

    fn finish(mut self) -> Result<JudgedArchive> {
        let Some(manifest) = self.manifest.take() else {
            return Err(invalid("The archive has no regular file aam.yaml at its root; pack it with `aam pkg pack`"));
        };
        self.follow_links()?;
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.folders.sort();
        let paths: Vec<&str> = self.files.iter().map(|file| &*file.path).collect();
        check_artifacts(&manifest, &paths, &self.folders)?;
        if self.limits.names() != NameRule::Any {
            names::refuse_repository(paths.iter().copied().chain(self.folders.iter().map(String::as_str)))?;
        }
        let findings = self.texts.map(|texts| texts.finish(&manifest, &self.files)).unwrap_or_default();
        Ok(JudgedArchive { manifest, files: self.files, readme: self.readme, findings })
    }

    fn follow_links(&mut self) -> Result<()> {
        if self.links.is_empty() {
            return Ok(());
        }
        let regular: HashMap<&str, &ArchiveFile> = self.files.iter().map(|file| (&*file.path, file)).collect();
        let mut unpacked: u64 = self.files.iter().map(|file| file.size).sum();
        let mut copies = Vec::new();
        for (path, target) in &self.links {
            let Some(original) = regular.get(&**target) else {
                let why = "is a link to something that is not a regular file of the package; pack the file itself";
                return Err(invalid_entry(path.as_bytes(), why));
            };
            unpacked = unpacked.saturating_add(original.size);
            if unpacked > self.limits.max_unpacked_size() {
                return Err(too_large(self.limits));
            }
            let copy = ArchiveFile { path: path.clone(), ..(*original).clone() };
            self.sink.copy(&original.path, &copy)?;
            copies.push(copy);
        }
        self.files.extend(copies);
        Ok(())
    }
}

/// Checks that every artifact's path is a file or a folder. `files` and `folders` are sorted; `folders`
/// are those with an entry of their own.
pub(super) fn check_artifacts(manifest: &Manifest, files: &[&str], folders: &[String]) -> Result<()> {
    for (kind, artifact) in manifest.artifacts.iter() {
        let path = &artifact.path;
        let below = format!("{path}/");
        let next = files.get(files.partition_point(|file| **file < *below));
        let held = next.is_some_and(|file| file.starts_with(&below))
            || files.binary_search(&&**path).is_ok()
            || folders.binary_search(path).is_ok();
        if !held {
            let (kind, name) = (kind.as_str(), &artifact.name);
            return Err(invalid(format!("The archive does not hold `{path}`, the path of the {kind} `{name}`")));
        }
    }
    Ok(())
}
