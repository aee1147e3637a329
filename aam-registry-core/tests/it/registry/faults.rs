//! Failures of a port in the middle of an operation.

use std::{
    io,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aam_registry_core::{
    Error, ErrorCode, Result,
    decide::{Audience, PublishCheck, PublishCommit, Published},
    error::Outcome,
    memory::{MemoryArchives, MemoryMetadata},
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, PackageStore, PublishStore, StoredArchive},
    registry::{CleanupOptions, Damage, GarbageFate, Policy, PublishOptions},
    types::{ArchiveKey, ArchiveLocation, NewUpload, Reach, RegistryId, Upload, UploadId},
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Uri};

use super::world::{World, archive, name, version};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The commit never reaches the database.
    BeforeCommit,
    /// The commit is made, but its answer is lost.
    AfterCommit,
    /// The commit is made, its answer is lost, and a retry inside the adapter finds the version.
    MeetsItself,
}

/// A store whose next commit fails.
#[derive(Debug)]
struct FaultyPublishing {
    inner: MemoryMetadata,
    fault: Mutex<Option<Fault>>,
}

fn lost() -> Error {
    Error::database("connection reset", true, Outcome::Unknown)
}

#[async_trait]
impl PublishStore for FaultyPublishing {
    async fn begin_upload(&self, upload: &NewUpload) -> Result<()> {
        self.inner.begin_upload(upload).await
    }

    async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool> {
        self.inner.renew_upload(id, lease).await
    }

    async fn check_publish(&self, check: &PublishCheck) -> Result<()> {
        self.inner.check_publish(check).await
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        let fault = self.fault.lock().expect("lock").take();
        match fault {
            None => self.inner.commit_publish(commit).await,
            Some(Fault::BeforeCommit) => Err(lost()),
            Some(Fault::AfterCommit) => {
                self.inner.commit_publish(commit).await?;
                Err(lost())
            }
            Some(Fault::MeetsItself) => {
                self.inner.commit_publish(commit).await?;
                self.inner.commit_publish(commit).await
            }
        }
    }

    async fn abandon_uploads(&self, limit: usize) -> Result<usize> {
        self.inner.abandon_uploads(limit).await
    }

    async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>> {
        self.inner.abandoned_uploads(ago, limit).await
    }

    async fn forget_upload(&self, id: UploadId) -> Result<()> {
        self.inner.forget_upload(id).await
    }
}

fn world_with(fault: Fault) -> World {
    World::with(|builder, database, _| {
        builder.publishing(FaultyPublishing { inner: database.clone(), fault: Mutex::new(Some(fault)) })
    })
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_read_again() {
    for fault in [Fault::AfterCommit, Fault::MeetsItself] {
        let world = world_with(fault);
        let ada = world.user("ada").await;
        let receipt = world.publish(&ada, archive("greet-kit", "1.0.0")).await.expect("it was committed");
        let detail = world.view().version(&name("greet-kit"), &version("1.0.0")).await.expect("version");
        assert_eq!(receipt.published_at, detail.summary.published_at);
        assert_eq!(receipt.dist_tags, detail.dist_tags);
        world.clock.advance(Duration::from_hours(2));
        world.registry.sweep_uploads().await.expect("swept");
        world.registry.open_archive(&detail.location(), None).await.expect("its archive stands");
    }
}

#[tokio::test]
async fn a_commit_that_was_not_made_fails_and_blocks_nothing() {
    let world = world_with(Fault::BeforeCommit);
    let ada = world.user("ada").await;
    let bytes = archive("greet-kit", "1.0.0");
    let error = world.publish(&ada, bytes.clone()).await.expect_err("not committed");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
    assert_eq!(world.stored_archives().await, 1, "nothing is deleted on an error after the commit began");
    let receipt = world.publish(&ada, bytes).await.expect("published");
    for _ in 0..2 {
        world.clock.advance(Duration::from_mins(20));
        world.registry.sweep_uploads().await.expect("swept");
    }
    assert_eq!(world.stored_archives().await, 1, "the sweeper took what the failure left");
    let detail = world
        .database
        .version(&name("greet-kit"), &version("1.0.0"), Reach::Everything)
        .await
        .expect("read")
        .expect("version");
    assert_eq!(detail.summary.sha256, receipt.sha256);
    world.registry.open_archive(&detail.location(), None).await.expect("and left what was published");
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    Write,
    Finish,
    /// `finish` makes the bytes durable and then fails.
    AfterFinish,
    /// `finish` never ends.
    Endless,
    Delete,
    /// The archive cannot be opened now, but may be later.
    Open,
    /// The archive is there but can never be read.
    Read,
    /// The archive is there but must not be read.
    Permission,
}

#[derive(Clone, Debug)]
struct FaultyArchives {
    inner: MemoryArchives,
    broken: Broken,
    failures: Arc<AtomicUsize>,
}

impl FaultyArchives {
    /// Fails at most twice.
    fn fails(&self, at: Broken) -> Result<()> {
        if self.broken == at && self.failures.fetch_add(1, Ordering::SeqCst) < 2 {
            return Err(Error::storage("the disk is full", true));
        }
        Ok(())
    }
}

#[async_trait]
impl ArchiveStore for FaultyArchives {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        Ok(Box::new(FaultyWriter { store: self.clone(), inner: self.inner.create(key).await? }))
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        self.fails(Broken::Open)?;
        self.fails(Broken::Permission)
            .map_err(|_| Error::storage(io::Error::from(io::ErrorKind::PermissionDenied), false))?;
        if self.fails(Broken::Read).is_ok() {
            return self.inner.open(key, range).await;
        }
        // A file that is open only for writing.
        let file = tempfile::NamedTempFile::new().expect("a file");
        let file = std::fs::File::options().write(true).open(file.path()).expect("the same file");
        Ok(Some(ArchiveContent::File { file, len: 1 }))
    }

    async fn redirect(&self, location: &ArchiveLocation, method: &Method, audience: Audience) -> Result<Option<Uri>> {
        self.inner.redirect(location, method, audience).await
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        self.inner.size(key).await
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        self.fails(Broken::Delete)?;
        self.inner.delete(key).await
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.inner.list(after, limit).await
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.inner.unfinished(after, limit).await
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        self.inner.owner().await
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        self.inner.set_owner(registry).await
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }
}

#[derive(Debug)]
struct FaultyWriter {
    store: FaultyArchives,
    inner: Box<dyn ArchiveWriter>,
}

#[async_trait]
impl ArchiveWriter for FaultyWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.store.fails(Broken::Write)?;
        self.inner.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<u64> {
        self.store.fails(Broken::Finish)?;
        if self.store.broken == Broken::Endless {
            std::future::pending::<()>().await;
        }
        let size = self.inner.finish().await?;
        self.store.fails(Broken::AfterFinish)?;
        Ok(size)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}

/// A registry whose storage takes an archive and never says that it is durable.
pub(crate) fn with_endless_storage(policy: Policy) -> World {
    World::with(|builder, _, archives| {
        let archives = FaultyArchives { inner: archives.clone(), broken: Broken::Endless, failures: Arc::default() };
        builder.policy(policy).archives(archives)
    })
}

fn world_of(broken: Broken) -> World {
    World::with(|builder, _, archives| {
        builder.archives(FaultyArchives { inner: archives.clone(), broken, failures: Arc::default() })
    })
}

#[tokio::test]
async fn a_store_that_fails_shows_no_half_version() {
    for broken in [Broken::Write, Broken::Finish, Broken::AfterFinish] {
        let world = world_of(broken);
        let ada = world.user("ada").await;
        let bytes = archive("greet-kit", "1.0.0");
        for _ in 0..2 {
            let error = world.publish(&ada, bytes.clone()).await.expect_err("not stored");
            assert_eq!(error.code(), ErrorCode::StorageUnavailable, "{broken:?}");
            let error = world.view().package(&name("greet-kit")).await.expect_err("nothing there");
            assert_eq!(error.code(), ErrorCode::PackageNotFound);
        }
        world.publish(&ada, bytes).await.expect("nothing blocks the version");
    }
}

#[tokio::test]
async fn health_gives_the_store_an_archive_and_takes_it_back() {
    for broken in [Broken::Write, Broken::Finish, Broken::AfterFinish, Broken::Open] {
        let world = world_of(broken);
        for _ in 0..2 {
            // The second time the error is returned without another try.
            for _ in 0..2 {
                let error = world.registry.check_storage().await.expect_err("it takes nothing");
                assert_eq!(error.code(), ErrorCode::StorageUnavailable, "{broken:?}");
            }
            world.clock.advance(Duration::from_secs(2));
        }
        world.registry.check_storage().await.expect("it is well");
        assert_eq!(world.stored_archives().await, 0, "{broken:?}");
    }
}

#[tokio::test]
async fn a_store_that_deletes_nothing_is_given_no_archive_after_another() {
    let world = world_of(Broken::Delete);
    for left in [1, 1, 2] {
        world.registry.check_storage().await.expect_err("it deletes nothing");
        assert_eq!(world.stored_archives().await, left);
        world.clock.advance(Duration::from_mins(6));
    }
    world.clock.advance(Duration::from_mins(6));
    world.registry.check_storage().await.expect("it is well");
}

#[tokio::test]
async fn bytes_that_cannot_be_deleted_are_tried_again() {
    let world = world_of(Broken::Delete);
    let ada = world.user("ada").await;
    for _ in 0..3 {
        drop(world.registry.begin_publish(&ada, None).await.expect("begun"));
    }
    world.clock.advance(Duration::from_mins(20));
    world.registry.sweep_uploads().await.expect("swept");
    world.clock.advance(Duration::from_mins(20));
    let report = world.registry.sweep_uploads().await.expect("swept");
    assert_eq!((report.deleted, report.failed), (1, 2));
    let report = world.registry.sweep_uploads().await.expect("swept");
    assert_eq!((report.deleted, report.failed), (2, 0));
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_hides_no_other() {
    let world = world_of(Broken::Read);
    let ada = world.user("ada").await;
    for number in ["1.0.0", "1.1.0", "1.2.0"] {
        world.publish(&ada, archive("greet-kit", number)).await.expect("published");
    }
    let mut found = Vec::new();
    let report = world.registry.verify_storage(true, |_, damage| found.extend(damage)).await.expect("verified");
    assert_eq!((report.checked, report.damaged), (3, 2));
    for damage in found {
        let Damage::Unreadable(reason) = damage else { panic!("{damage:?}") };
        assert!(reason.starts_with("the archive storage failed: "), "{reason}");
    }
}

#[tokio::test]
async fn an_archive_that_may_not_be_read_is_not_called_damaged() {
    let world = world_of(Broken::Permission);
    let ada = world.user("ada").await;
    for number in ["1.0.0", "1.1.0", "1.2.0"] {
        world.publish(&ada, archive("greet-kit", number)).await.expect("published");
    }
    let mut found = Vec::new();
    let report = world.registry.verify_storage(true, |_, damage| found.extend(damage)).await.expect("verified");
    assert_eq!((report.checked, report.damaged, report.not_permitted), (3, 0, 2));
    assert!(found.iter().all(|damage| matches!(damage, Damage::NotPermitted(_))), "{found:?}");
}

#[tokio::test]
async fn a_store_that_is_away_is_no_damage() {
    let world = world_of(Broken::Open);
    let ada = world.user("ada").await;
    world.publish(&ada, archive("greet-kit", "1.0.0")).await.expect("published");
    let error = world.registry.verify_storage(true, |_, damage| panic!("{damage:?}")).await.expect_err("it is away");
    assert_eq!(error.code(), ErrorCode::StorageUnavailable);
}

#[tokio::test]
async fn why_garbage_stays_is_told_to_its_cause() {
    let world = world_of(Broken::Delete);
    let mut writer = world.archives.create(&ArchiveKey::from(UploadId::generate())).await.expect("created");
    writer.write(Bytes::from_static(b"nobody's")).await.expect("written");
    writer.finish().await.expect("stored");
    let mut fates = Vec::new();
    let all = CleanupOptions { older_than: Duration::ZERO, dry_run: false, force: true };
    world.clock.advance(Duration::from_hours(24 * 365 * 10));
    world.registry.adopt_storage().await.expect("marked");
    world.registry.clean_storage(all, |garbage| fates.push(garbage.fate.clone())).await.expect("cleaned");
    let reason = "the archive storage cannot be used now: the disk is full".to_owned();
    assert_eq!(fates, [GarbageFate::Failed(reason)]);
}

#[tokio::test]
async fn a_publish_dropped_while_it_is_committed_is_whole_or_absent() {
    for polls in 0..12 {
        let world = World::new();
        let ada = world.user("ada").await;
        let mut publish = world.registry.begin_publish(&ada, None).await.expect("begun");
        publish.write(archive("greet-kit", "1.0.0").into()).await.expect("written");
        let finish = Box::pin(publish.finish(PublishOptions::default()));
        let finished = poll_at_most(finish, polls).await;
        match world.view().version(&name("greet-kit"), &version("1.0.0")).await {
            Ok(detail) => {
                drop(world.registry.open_archive(&detail.location(), None).await.expect("its archive is there"));
            }
            Err(error) => {
                assert!(!finished, "an acknowledged version is missing");
                assert_eq!(error.code(), ErrorCode::PackageNotFound);
            }
        }
    }
}

/// Polls `future` up to `times` times and drops it; returns whether it completed.
async fn poll_at_most(mut future: impl Future + Unpin, times: usize) -> bool {
    for _ in 0..times {
        if futures_util::poll!(&mut future).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}
