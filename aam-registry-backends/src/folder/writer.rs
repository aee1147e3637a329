use std::{
    fmt,
    fs::File,
    io::{self, IoSlice, Write},
    mem,
    sync::Arc,
};

use aam_registry_core::{Error, Result, ports::ArchiveWriter, types::ArchiveKey};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::task::{self, JoinHandle};

use super::{
    blocking::{blocking, ended, folder_error},
    files::Files,
};

/// How many bytes are gathered before they are written. While they are written, as many are gathered
/// again.
const WRITE_CHUNK: usize = 512 * 1024;

/// After this many bytes a sync starts in the background, so that the last sync is short.
const SYNC_EVERY: usize = 4 * 1024 * 1024;

/// Smaller pieces are copied together, since each may keep a much larger buffer alive.
const SMALL_PIECE: usize = 16 * 1024;

/// Writes one archive to a folder on blocking threads: a small one at once when it is finished, a large
/// one while it arrives.
pub(super) struct FolderWriter {
    files: Arc<Files>,
    key: ArchiveKey,
    file: Part,
    /// The bytes to write next.
    gathered: Gathered,
    /// How many bytes were written since the last sync began.
    unsynced: usize,
    /// The running sync. Its error is reported only here.
    sync: Option<JoinHandle<io::Result<()>>>,
    size: u64,
}

/// The part file.
enum Part {
    /// Not created yet.
    Unmade,
    /// Being written; the file is returned when everything so far is written.
    Writing(JoinHandle<io::Result<File>>),
    /// A write failed, or the call that waited for it was dropped.
    Lost,
}

impl FolderWriter {
    pub(super) fn new(files: Arc<Files>, key: ArchiveKey) -> Self {
        Self { files, key, file: Part::Unmade, gathered: Gathered::default(), unsynced: 0, sync: None, size: 0 }
    }

    /// The file, after the running write; `None` if nothing was written.
    async fn take_file(&mut self) -> Result<Option<File>> {
        match mem::replace(&mut self.file, Part::Lost) {
            Part::Unmade => Ok(None),
            Part::Writing(written) => ended(written).await.map(Some),
            Part::Lost => Err(Error::internal("an archive was written on after that had failed")),
        }
    }

    /// Begins to write the gathered bytes.
    async fn flush(&mut self) -> Result<()> {
        let mut file = if let Some(file) = self.take_file().await? {
            file
        } else {
            // Wait for the file to be created, so that a later delete of the key finds it.
            let (files, key) = (Arc::clone(&self.files), self.key.clone());
            blocking(move || files.create_part(&key)).await?
        };
        if self.unsynced >= SYNC_EVERY && self.sync.as_ref().is_none_or(JoinHandle::is_finished) {
            self.end_sync().await?;
            let written = file.try_clone().map_err(folder_error)?;
            self.sync = Some(task::spawn_blocking(move || written.sync_data()));
            self.unsynced = 0;
        }
        let gathered = mem::take(&mut self.gathered);
        self.unsynced += gathered.size;
        self.file = Part::Writing(task::spawn_blocking(move || {
            gathered.write_to(&mut file)?;
            Ok(file)
        }));
        Ok(())
    }

    async fn end_sync(&mut self) -> Result<()> {
        match self.sync.take() {
            Some(sync) => ended(sync).await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for FolderWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderWriter").field("key", &self.key).field("size", &self.size).finish_non_exhaustive()
    }
}

#[async_trait]
impl ArchiveWriter for FolderWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        self.gathered.push(bytes);
        if self.gathered.size >= WRITE_CHUNK {
            self.flush().await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<u64> {
        let file = self.take_file().await?;
        self.end_sync().await?;
        let Self { files, key, gathered, size, .. } = *self;
        blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => files.create_part(&key)?,
            };
            gathered.write_to(&mut file)?;
            file.sync_all()?;
            files.publish(&key)
        })
        .await?;
        Ok(size)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let Self { files, key, file, .. } = *self;
        if matches!(file, Part::Unmade) {
            return Ok(());
        }
        blocking(move || files.remove_part(&key)).await
    }
}

/// Bytes to write, in order.
#[derive(Default)]
struct Gathered {
    pieces: Vec<Bytes>,
    /// Small pieces after the others, copied together.
    tail: BytesMut,
    size: usize,
}

impl Gathered {
    fn push(&mut self, bytes: Bytes) {
        self.size += bytes.len();
        if bytes.len() < SMALL_PIECE {
            self.tail.extend_from_slice(&bytes);
            return;
        }
        if !self.tail.is_empty() {
            self.pieces.push(self.tail.split().freeze());
        }
        self.pieces.push(bytes);
    }

    fn write_to(self, file: &mut File) -> io::Result<()> {
        let pieces = self.pieces.iter().map(|piece| &piece[..]).chain([&self.tail[..]]);
        let mut slices: Vec<_> = pieces.filter(|piece| !piece.is_empty()).map(IoSlice::new).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            match file.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
