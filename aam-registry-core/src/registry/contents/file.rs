use std::{fmt, io};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::task;

use super::{
    reader::{ArchiveReader, accepted_limits},
    writer::ChunkWriter,
};
use crate::{
    archive,
    error::{Error, Result},
    registry::Registry,
    types::{ArchiveFile, PackageName, Version},
};

/// One file of an archive.
pub struct FileContent {
    /// What is known of the file.
    pub file: ArchiveFile,
    /// Its `file.size` bytes in chunks; an error breaks them off.
    pub stream: BoxStream<'static, io::Result<Bytes>>,
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileContent").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Registry {
    /// Opens one file of a version's archive.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`],
    /// [`Error::NotFound`] where the archive has no such file,
    /// [`Error::Overloaded`] where too many archives are open.
    pub async fn file(&self, name: &PackageName, version: &Version, path: &str) -> Result<FileContent> {
        let files = self.files(name, version).await?;
        let file = files.iter().find(|file| file.path == path).cloned().ok_or_else(|| {
            let path: String = path.chars().take(256).collect();
            Error::NotFound(format!("Version {version} of {name} has no file `{path}`"))
        })?;
        // A link is listed as the copy it stands for: its bytes are those of a regular file of the same digest.
        let same: Vec<_> =
            files.into_iter().filter(|other| other.sha256 == file.sha256).map(|other| other.path).collect();
        let permit = self.unpacking_permit()?;
        let archive = self.open_archive(&self.version(name, version).await?.location(), None).await?;
        let reader = ArchiveReader::new(archive);
        let (mut writer, stream) = ChunkWriter::new();
        let limits = accepted_limits();
        task::spawn_blocking(move || {
            let _permit = permit;
            let paths: Vec<_> = same.iter().map(String::as_str).collect();
            let copied = archive::copy_file(reader, &paths, &limits, &mut writer);
            writer.end(match copied {
                Ok(true) => Ok(()),
                Ok(false) => Err(io::Error::other("a file that was listed is not in its archive")),
                Err(error) => Err(io::Error::other(error)),
            });
        });
        Ok(FileContent { file, stream })
    }
}
