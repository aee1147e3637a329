use std::{error::Error as StdError, io};

use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::task;

use crate::{
    error::{BackendError, BackendKind, Error, NotPermitted, Result, with_causes},
    ports::ArchiveContent,
    registry::{Registry, contents::ArchiveReader},
    types::{ArchiveKey, ArchiveLocation, RegistryId, Sha256Digest},
};

/// How many versions one call of the database gives.
const BATCH: usize = 500;
/// How many archives are looked at at once: as many as hide the way to a remote store.
const AT_ONCE: usize = 16;

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// There is none.
    Missing,
    /// It has this many bytes.
    Size(u64),
    /// It has this digest.
    Digest(Sha256Digest),
    /// It cannot be read, for this reason, with its causes, and could not if
    /// tried again.
    Unreadable(String),
    /// The store does not permit to read it, for this reason, with its causes:
    /// nothing is known of its bytes.
    NotPermitted(String),
}

/// What a verification found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Versions that were looked at.
    pub checked: u64,
    /// Bytes of their archives.
    pub bytes: u64,
    /// Versions with a damaged archive.
    pub damaged: u64,
    /// Versions whose archive this registry is not permitted to read.
    pub not_permitted: u64,
    /// The registry that the store is marked as that of, where it is another one.
    pub foreign: Option<RegistryId>,
    /// Archives that nothing refers to, of the first 1,000 in the store. A few
    /// are what failed uploads left; where no version was looked at, they are
    /// those of a database that is not there.
    pub stray: u64,
}

impl VerifyReport {
    /// Whether every version has its archive, and the store belongs to this database.
    pub fn is_good(&self) -> bool {
        let has_lost_versions = self.checked == 0 && self.stray > 0;
        self.damaged + self.not_permitted == 0 && self.foreign.is_none() && !has_lost_versions
    }
}

impl Registry {
    /// Checks that every version has its archive with its size and, where
    /// `deep`, its digest, and that the store is this registry's. `tell` hears
    /// of each version as it is done, with what is wrong with it. Changes nothing.
    ///
    /// # Errors
    /// A backend error where store or database cannot be read and might be
    /// later: then nothing is said of what was not looked at yet. An archive
    /// that the store refuses for good is damaged instead, or one that it does
    /// not permit to read.
    pub async fn verify_storage(
        &self,
        deep: bool,
        mut tell: impl FnMut(&ArchiveLocation, Option<Damage>) + Send,
    ) -> Result<VerifyReport> {
        let mut report = VerifyReport::default();
        let mut after: Option<ArchiveKey> = None;
        loop {
            let page = self.inner().archive_index.published_archives(after.as_ref(), BATCH).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.archive.clone());
            let mut checks = stream::iter(page)
                .map(|location| async move { (self.damage_of(&location, deep).await, location) })
                .buffer_unordered(AT_ONCE);
            while let Some((damage, location)) = checks.next().await {
                let damage = damage?;
                report.checked += 1;
                report.bytes += location.size;
                match &damage {
                    None => {}
                    Some(Damage::NotPermitted(_)) => report.not_permitted += 1,
                    Some(_) => report.damaged += 1,
                }
                tell(&location, damage);
            }
        }
        let registry = self.id().await?;
        report.foreign = self.inner().archives.owner().await?.filter(|owner| *owner != registry);
        report.stray = self.sample_of_storage().await?.strange;
        Ok(report)
    }

    async fn damage_of(&self, location: &ArchiveLocation, deep: bool) -> Result<Option<Damage>> {
        match self.look_at(location, deep).await {
            Err(Error::Backend(error)) if error.kind == BackendKind::Storage && !error.retry => {
                let reason = with_causes(&error);
                Ok(Some(if is_denied(&error) { Damage::NotPermitted(reason) } else { Damage::Unreadable(reason) }))
            }
            looked => looked,
        }
    }

    async fn look_at(&self, location: &ArchiveLocation, deep: bool) -> Result<Option<Damage>> {
        let archives = &self.inner().archives;
        let Some(size) = archives.size(&location.archive).await? else { return Ok(Some(Damage::Missing)) };
        if size != location.size {
            return Ok(Some(Damage::Size(size)));
        }
        if !deep {
            return Ok(None);
        }
        let Some(content) = archives.open(&location.archive, None).await? else { return Ok(Some(Damage::Missing)) };
        let digest = digest_of(content).await?;
        Ok((digest != location.sha256).then_some(Damage::Digest(digest)))
    }
}

/// Whether the store did not permit what was asked of it.
fn is_denied(error: &BackendError) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = StdError::source(error);
    while let Some(error) = cause {
        let by_file_system = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if error.is::<NotPermitted>() || by_file_system == Some(io::ErrorKind::PermissionDenied) {
            return true;
        }
        cause = error.source();
    }
    false
}

async fn digest_of(content: ArchiveContent) -> Result<Sha256Digest> {
    // What a disk refused it will refuse again; a stream may break off on its way.
    let may_heal = matches!(content, ArchiveContent::Stream { .. });
    let mut reader = ArchiveReader::new(content);
    let digest = task::spawn_blocking(move || {
        let mut hash = HashWriter(Sha256::new());
        io::copy(&mut reader, &mut hash).map(|_| Sha256Digest::from(<[u8; 32]>::from(hash.0.finalize())))
    });
    digest.await.map_err(Error::internal)?.map_err(|error| Error::storage(error, may_heal))
}

struct HashWriter(Sha256);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
