use std::{
    io::{self, ErrorKind, SeekFrom},
    ops::Range,
    path::PathBuf,
};

use aam_registry_core::{
    Error, Result,
    decide::Audience,
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive},
    types::{ArchiveKey, ArchiveLocation, RegistryId, UploadId},
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Uri};
use tokio::{
    fs::{self, File},
    io::{AsyncSeekExt, AsyncWriteExt},
};

/// The file with the id of the registry that owns the archives.
const OWNER: &str = "registry-id";

/// Stores each archive as a file in one folder, such as a mounted share.
#[derive(Clone, Debug)]
pub(crate) struct ShelfArchives {
    folder: PathBuf,
}

impl ShelfArchives {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The last part of a key contains the upload's id: it is unique, and the key can be computed from
    /// it.
    fn path(&self, key: &ArchiveKey) -> PathBuf {
        self.folder.join(key.as_str().rsplit('/').next().unwrap_or_default())
    }

    /// The files with one extension, in the order of their keys.
    async fn files(&self, extension: &str, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        let mut keys = Vec::new();
        let mut entries = fs::read_dir(&self.folder).await.map_err(failed)?;
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(extension)?.strip_suffix('.')?.parse().ok());
            let key = id.map(|id: UploadId| ArchiveKey::from(id));
            keys.extend(key.filter(|key| after.is_none_or(|after| key > after)));
        }
        keys.sort_unstable();
        let mut listed = Vec::new();
        for key in keys.into_iter().take(limit) {
            // It may have been deleted or finished meanwhile.
            if let Some(metadata) = found(fs::metadata(self.path(&key).with_extension(extension)).await)? {
                listed.push(StoredArchive { key, size: metadata.len(), modified_at: None });
            }
        }
        Ok(listed)
    }
}

/// An unavailable store must never read as "not found": only that one kind of error becomes `None`.
fn found<T>(result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: io::Error) -> Error {
    Error::storage(error, false)
}

#[async_trait]
impl ArchiveStore for ShelfArchives {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        let path = self.path(key);
        let part = path.with_extension("part");
        let file = File::create(&part).await.map_err(failed)?;
        Ok(Box::new(ShelfWriter { file, part, path, folder: self.folder.clone(), size: 0 }))
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        let Some(mut file) = found(File::open(self.path(key)).await)? else { return Ok(None) };
        let range = match range {
            Some(range) => range,
            None => 0..file.metadata().await.map_err(failed)?.len(),
        };
        file.seek(SeekFrom::Start(range.start)).await.map_err(failed)?;
        Ok(Some(ArchiveContent::File { file: file.into_std().await, len: range.end - range.start }))
    }

    async fn redirect(&self, _: &ArchiveLocation, _: &Method, _: Audience) -> Result<Option<Uri>> {
        Ok(None)
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        Ok(found(fs::metadata(self.path(key)).await)?.map(|metadata| metadata.len()))
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        found(fs::remove_file(self.path(key).with_extension("part")).await)?;
        found(fs::remove_file(self.path(key)).await)?;
        Ok(())
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.files("aam", after, limit).await
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.files("part", after, limit).await
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        let Some(id) = found(fs::read_to_string(self.folder.join(OWNER)).await)? else { return Ok(None) };
        let unreadable = |_| failed(io::Error::new(io::ErrorKind::InvalidData, format!("`{OWNER}` holds no id")));
        id.trim().parse().map(Some).map_err(unreadable)
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        let part = self.folder.join(OWNER).with_extension("new");
        let mut file = File::create(&part).await.map_err(failed)?;
        file.write_all(registry.to_string().as_bytes()).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(failed)?;
        fs::rename(&part, self.folder.join(OWNER)).await.map_err(failed)?;
        File::open(&self.folder).await.map_err(failed)?.sync_all().await.map_err(failed)
    }

    async fn check(&self) -> Result<()> {
        fs::read_dir(&self.folder).await.map(drop).map_err(failed)
    }
}

#[derive(Debug)]
struct ShelfWriter {
    file: File,
    part: PathBuf,
    path: PathBuf,
    folder: PathBuf,
    size: u64,
}

#[async_trait]
impl ArchiveWriter for ShelfWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        self.file.write_all(&bytes).await.map_err(failed)
    }

    /// Syncs the file, renames it to make it readable, and syncs its name.
    async fn finish(mut self: Box<Self>) -> Result<u64> {
        self.file.flush().await.map_err(failed)?;
        self.file.sync_all().await.map_err(failed)?;
        fs::rename(&self.part, &self.path).await.map_err(failed)?;
        File::open(&self.folder).await.map_err(failed)?.sync_all().await.map_err(failed)?;
        Ok(self.size)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        found(fs::remove_file(&self.part).await).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use aam_registry_core::archive_store_conformance;

    use super::*;

    archive_store_conformance!(async {
        let folder = tempfile::tempdir().expect("a folder");
        (ShelfArchives::new(folder.path()), folder)
    });
}
