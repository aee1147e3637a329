//! An archive on this machine, judged by the registry's own rules.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use aam_registry_core::{
    Error,
    archive::{self, ArchiveLimits, JudgedArchive, PackContents},
    types::Sha256Digest,
};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir, TempPath};

use super::{
    secrets,
    source::{self, Draft, LeftOut},
};
use crate::failure::{Detail, Failure, Result};

/// An archive that a registry with certain limits takes.
#[derive(Debug)]
pub(crate) struct Packed {
    /// Removed with this value, where it was packed for now only.
    path: Holder,
    pub(crate) judged: JudgedArchive,
    pub(crate) sha256: Sha256Digest,
    /// In bytes.
    pub(crate) size: u64,
    /// What of its folder stayed out; empty for what was packed already.
    pub(crate) left_out: Vec<LeftOut>,
    /// Files that look as if they held a secret.
    pub(crate) suspects: Vec<Detail>,
}

#[derive(Debug)]
enum Holder {
    Temporary(TempPath),
    Lasting(PathBuf),
}

impl Packed {
    /// Packs a folder: the same files make the same bytes.
    pub(super) fn pack(folder: &Path, limits: &ArchiveLimits) -> Result<Self> {
        Self::pack_with(folder, None, limits)
    }

    /// As [`Self::pack`], of a folder as it would be with `draft`.
    pub(super) fn pack_with(folder: &Path, draft: Option<&Draft<'_>>, limits: &ArchiveLimits) -> Result<Self> {
        let failed = |error: io::Error| Failure::io("pack", folder, &error);
        let source::Collected { entries, left_out } = source::collect(folder, draft)?;
        let suspects = entries.iter().filter_map(|entry| match &entry.contents {
            PackContents::Path(path) => suspect(&entry.path, path),
            PackContents::Bytes(_) => None,
        });
        let suspects = suspects.collect();
        let mut file = NamedTempFile::with_prefix("aam-pack-").map_err(failed)?;
        let mut out = BufWriter::new(file.as_file_mut());
        archive::pack(entries, &mut out).map_err(|error| refused(folder, &error))?;
        out.flush().map_err(failed)?;
        drop(out);
        let path = file.into_temp_path();
        let judged = Self::judge(&path, limits)?;
        Ok(Self { path: Holder::Temporary(path), left_out, suspects, ..judged })
    }

    /// Takes an archive that is packed already; its files are in the folder.
    pub(super) fn open(path: &Path, limits: &ArchiveLimits) -> Result<(Self, TempDir)> {
        let judged = Self::judge(path, limits)?;
        let failed = |error: io::Error| Failure::io("read", path, &error);
        let folder = tempfile::Builder::new().prefix("aam-look-").tempdir().map_err(failed)?;
        let file = File::open(path).map_err(failed)?;
        let files =
            archive::unpack(BufReader::new(file), folder.path(), limits).map_err(|error| refused(path, &error))?;
        let suspects = files.iter().filter_map(|file| suspect(&file.path, &folder.path().join(&file.path)));
        Ok((Self { suspects: suspects.collect(), ..judged }, folder))
    }

    /// Where the archive lies.
    pub(crate) fn path(&self) -> &Path {
        match &self.path {
            Holder::Temporary(path) => path,
            Holder::Lasting(path) => path,
        }
    }

    fn judge(path: &Path, limits: &ArchiveLimits) -> Result<Self> {
        let failed = |error: io::Error| Failure::io("read", path, &error);
        // Opening a pipe would wait for its writer, and an archive is read twice.
        if fs::metadata(path).is_ok_and(|data| !data.is_file()) {
            return Err(Failure::usage(format!("{} is neither a folder nor a regular file", path.display())));
        }
        let mut file = File::open(path).map_err(failed)?;
        let judged =
            archive::judge(BufReader::new(&file), limits, |_| Ok(())).map_err(|error| refused(path, &error))?;
        file.rewind().map_err(failed)?;
        let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
        loop {
            let read = file.read(&mut buffer).map_err(failed)?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            size += read as u64;
        }
        let sha256 = Sha256Digest::from(<[u8; 32]>::from(hash.finalize()));
        Ok(Self {
            path: Holder::Lasting(path.to_owned()),
            judged,
            sha256,
            size,
            left_out: Vec::new(),
            suspects: Vec::new(),
        })
    }
}

/// What to say of a file that looks as if it held a secret.
fn suspect(name: &str, file: &Path) -> Option<Detail> {
    // A file that cannot be read is told of when it is packed.
    let secret = secrets::first(file).ok().flatten()?;
    let error = format!(
        "line {} looks like {}; what is published cannot be taken back: remove it, or leave the file out with .aamignore",
        secret.line, secret.what
    );
    Some(Detail::new(name, error))
}

/// What the registry would say to it, or what this machine's disk says.
fn refused(path: &Path, error: &Error) -> Failure {
    if let Some(failure) = Failure::disk("pack", path, error) {
        return failure;
    }
    let details = error.details().into_iter().map(|detail| Detail::new(detail.field, detail.error)).collect();
    let code = error.code().as_str();
    Failure::new(crate::failure::Kind::Invalid, code, error.to_string()).details(details)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        confined::Folder,
        package::{Skeleton, write_skeleton},
    };

    fn package() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        let skeleton = Skeleton::named("@my_org/example".parse().expect("name"));
        write_skeleton(&Folder::open(folder.path()).expect("opens"), &skeleton).expect("skeleton");
        folder
    }

    #[test]
    fn the_same_files_make_the_same_bytes() {
        let (one, two) = (package(), package());
        fs::write(two.path().join("junk.aam"), "old").expect("file");
        fs::create_dir(two.path().join(".git")).expect("folder");
        fs::write(two.path().join(".git/config"), "x").expect("file");
        let past = fs::File::open(two.path().join("aam.yaml")).expect("file");
        past.set_modified(std::time::UNIX_EPOCH).expect("time");
        let (one, two) = (
            Packed::pack(one.path(), &ArchiveLimits::default()).expect("packs"),
            Packed::pack(two.path(), &ArchiveLimits::default()).expect("packs"),
        );
        assert_eq!(one.sha256, two.sha256);
        assert_eq!(Packed::open(one.path(), &ArchiveLimits::default()).expect("is one").0.sha256, one.sha256);
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_outside_is_not_packed() {
        let folder = package();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("host")).expect("link");
        std::os::unix::fs::symlink("aam.yaml", folder.path().join("copy.yaml")).expect("link");
        let failure = Packed::pack(folder.path(), &ArchiveLimits::default()).expect_err("leads out");
        assert_eq!(failure.details.len(), 1, "{failure:?}");
        fs::remove_file(folder.path().join("host")).expect("removed");
        let packed = Packed::pack(folder.path(), &ArchiveLimits::default()).expect("packs");
        assert!(packed.judged.files.iter().any(|file| file.path == "copy.yaml"));
    }
}
