use std::{
    io::{Error as IoError, Read},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::probe::{Probed, Trouble};
use crate::{
    error::{Error, Result},
    ports::ArchiveStore,
    registry::{Registry, contents::ArchiveReader},
    types::{ArchiveKey, UploadId},
};

/// How long a store that took a probe is not given another one.
const GOOD_FOR: Duration = Duration::from_secs(30);
/// The same for one that refused it.
const BAD_FOR: Duration = Duration::from_secs(1);
/// The same for one that does not delete it: the probes must not pile up there.
const KEPT_FOR: Duration = Duration::from_mins(10);

/// About the least that an archive takes.
const PROBE: usize = 16 * 1024;

impl Registry {
    /// Whether the archive store answers, is not another registry's, and takes
    /// archives: a small one is written, read back and deleted, at most twice a
    /// minute while all is well.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub async fn check_storage(&self) -> Result<()> {
        let inner = self.inner();
        inner.archives.check().await?;
        self.require_storage_to_write().await?;
        let mut probed = Arc::clone(&inner.storage_probe.0).lock_owned().await;
        let now = self.now();
        let is_fresh = |probed: &Probed| now.duration_since(probed.at).unsigned_abs() < probed.good_for;
        if let Some(fresh) = probed.as_ref().filter(|probed| is_fresh(probed)) {
            return fresh.trouble.clone().map_or(Ok(()), |trouble| Err(trouble.into()));
        }
        let archives = Arc::clone(&inner.archives);
        // Goes on where nobody waits for it any more, so that no probe is left behind.
        let probing = tokio::spawn(async move {
            let (result, good_for) = probe(&*archives).await;
            let trouble = result.err().map(Trouble::from);
            *probed = Some(Probed { at: now, good_for, trouble: trouble.clone() });
            trouble
        });
        probing.await.map_err(Error::internal)?.map_or(Ok(()), |trouble| Err(trouble.into()))
    }
}

/// Whether the store takes an archive and gives it back, and for how long that may be believed.
async fn probe(archives: &dyn ArchiveStore) -> (Result<()>, Duration) {
    let key = ArchiveKey::from(UploadId::generate());
    let mut written = false;
    let taken = write_and_read(archives, &key, &mut written).await;
    match (taken, archives.delete(&key).await) {
        (Ok(()), Ok(())) => (Ok(()), GOOD_FOR),
        // Where probes stay, few are made.
        (Ok(()), Err(error)) => (Err(error), KEPT_FOR),
        (Err(error), Err(_)) if written => (Err(error), KEPT_FOR),
        (Err(error), _) => (Err(error), BAD_FOR),
    }
}

/// `written` tells whether the archive is there, whatever became of reading it.
async fn write_and_read(archives: &dyn ArchiveStore, key: &ArchiveKey, written: &mut bool) -> Result<()> {
    let bytes = Bytes::from_static(&[0x5a; PROBE]);
    let mut writer = archives.create(key).await?;
    if let Err(error) = writer.write(bytes.clone()).await {
        // The key is deleted by whoever called, which aborts the rest.
        let _ = writer.abort().await;
        return Err(error);
    }
    writer.finish().await?;
    *written = true;
    let missing = || Error::storage("what was written a moment ago is not there", false);
    let reader = ArchiveReader::new(archives.open(key, None).await?.ok_or_else(missing)?);
    let read = tokio::task::spawn_blocking(move || {
        let mut read = Vec::new();
        reader.take(PROBE as u64 + 1).read_to_end(&mut read)?;
        Ok::<_, IoError>(read)
    });
    let read = read.await.map_err(Error::internal)?.map_err(|error| Error::storage(error, true))?;
    if read == bytes { Ok(()) } else { Err(Error::storage("what was read back is not what was written", false)) }
}
