use std::{fmt, io};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::task;

use super::{
    diff::not_the_clients,
    reader::{ACCEPTED, ArchiveReader},
    spool::{self, Spool, Spooled},
    unpacking::MAX_IN_MEMORY,
};
use crate::{
    archive,
    error::{Error, Result},
    registry::View,
    types::{ArchiveFile, ClientNetwork, PackageName, Version},
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

/// One file as the list of a version's files has it.
#[derive(Clone, Debug)]
pub struct ListedFile {
    /// What is known of the file.
    pub file: ArchiveFile,
    package: PackageName,
    version: Version,
    /// The paths of all files that hold the same. A link is listed as the copy
    /// it stands for: its bytes are those of a regular file among these.
    same: Vec<String>,
}

impl View<'_> {
    /// Finds one file of a version's archive.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`],
    /// [`Error::NotFound`] where the archive has no such file.
    pub async fn file(&self, name: &PackageName, version: &Version, path: &str) -> Result<ListedFile> {
        let files = self.files(name, version).await?;
        let file = files.iter().find(|file| file.path == path).cloned().ok_or_else(|| {
            let path: String = path.chars().take(256).collect();
            Error::NotFound(format!("Version {version} of {name} has no file `{path}`"))
        })?;
        let same = files.into_iter().filter(|other| other.sha256 == file.sha256).map(|other| other.path).collect();
        Ok(ListedFile { file, package: name.clone(), version: version.clone(), same })
    }

    /// Opens a file of a version's archive.
    ///
    /// All of it is unpacked and held against its digest before the first byte
    /// is given: in memory up to 1 MiB, else on the disk. Places for this
    /// are shared fairly between clients, who are known by the network they ask `from`.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`],
    /// [`Error::TooManyAtOnce`] and [`Error::Overloaded`] where too many archives
    /// are read already.
    pub async fn open_file(&self, listed: ListedFile, from: Option<ClientNetwork>) -> Result<FileContent> {
        let ListedFile { file, package, version, same } = listed;
        let unpacking = &self.inner().unpacking;
        if let Some(contents) = unpacking.kept_file(&file.sha256) {
            return Ok(FileContent { file, stream: stream::iter([Ok(contents)]).boxed() });
        }
        let location = self.located_version(&package, &version).await?.location;
        let room = match file.size {
            0..=MAX_IN_MEMORY => None,
            size => Some(unpacking.spool_room(size, from.as_ref()).await?),
        };
        let place = unpacking.place(from.as_ref()).await?;
        let reader = ArchiveReader::new(self.registry().open_archive(&location, None).await?);
        let (registry, wanted) = (self.registry().clone(), file.clone());
        let unpacked = task::spawn_blocking(move || {
            let _place = place;
            let mut spool = if room.is_some() {
                let file = registry.inner().unpacking.spool_file();
                Spool::on_disk(file.map_err(|error| Error::storage(error, true))?)
            } else {
                Spool::in_memory()
            };
            let paths: Vec<_> = same.iter().map(String::as_str).collect();
            archive::copy_file(reader, &paths, &ACCEPTED, &mut spool).map_err(not_the_clients)?;
            let spooled = spool.finish(wanted.size, &wanted.sha256).map_err(|error| Error::storage(error, false))?;
            Ok::<_, Error>((spooled, room))
        });
        let stream = match unpacked.await.map_err(Error::internal)?? {
            (Spooled::Memory(contents), _) => {
                unpacking.keep_file(file.sha256, &contents);
                stream::iter([Ok(contents)]).boxed()
            }
            (Spooled::Disk(spooled), Some(room)) => spool::stream(spooled, file.size, room),
            (Spooled::Disk(_), None) => return Err(Error::internal("a file was spooled without room for it")),
        };
        Ok(FileContent { file, stream })
    }
}
