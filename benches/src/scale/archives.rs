use std::{fs, io, path::Path};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    dataset::{Dataset, SAMPLE},
    document,
};
use crate::{
    archive::Archives,
    error::{Failure, Result},
};

/// The size of the archive that is downloaded.
const SIZE: usize = 12_000;
/// File systems count the hard links of a file with 16 bits.
const NAMES: usize = 30_000;

/// The archive that all versions with an archive on disk share.
#[derive(Debug)]
pub(super) struct Stored {
    bytes: Bytes,
    pub(super) sha256: [u8; 32],
    pub(super) size: u64,
}

impl Stored {
    pub(super) fn new() -> Result<Self> {
        let bytes = Archives::of_size(SIZE).pack(SAMPLE, "1.0.0")?;
        Ok(Self { sha256: Sha256::digest(&bytes).into(), size: bytes.len() as u64, bytes })
    }

    /// Creates the archive below `folder` for every version that has one, as hard links to few files,
    /// which takes little time.
    pub(super) fn create_files(&self, dataset: &Dataset, folder: &Path) -> Result<()> {
        self.link(dataset, folder).map_err(Failure::io("the archives"))
    }

    fn link(&self, dataset: &Dataset, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut original = None;
        let with_archive = dataset.versions().filter(|(package, release)| dataset.has_archive(package, release));
        for (at, (_, release)) in with_archive.enumerate() {
            let path = folder.join(document::archive_key(release).as_str());
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            match &original {
                Some(original) if at % NAMES > 0 => fs::hard_link(original, &path)?,
                _ => {
                    fs::write(&path, &self.bytes)?;
                    original = Some(path);
                }
            }
        }
        Ok(())
    }
}
