use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    MemoryMetadata,
    tables::{StoredPackage, StoredUpload, StoredVersion},
};
use crate::{
    decide::{PublishCheck, PublishCommit, PublishFacts, Published},
    error::Result,
    ports::PublishStore,
    types::{ArchiveKey, NewUpload, Upload, UploadId, VersionStatus, VersionTexts},
};

#[async_trait]
impl PublishStore for MemoryMetadata {
    async fn begin_upload(&self, upload: &NewUpload) -> Result<()> {
        let stored = StoredUpload { user: upload.user, lease_until: self.after(upload.lease), abandoned_at: None };
        self.tables().uploads.insert(upload.id, stored);
        Ok(())
    }

    async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool> {
        let lease_until = self.after(lease);
        let mut tables = self.tables();
        let upload = tables.uploads.get_mut(&id).filter(|upload| upload.abandoned_at.is_none());
        Ok(upload.map(|upload| upload.lease_until = lease_until).is_some())
    }

    async fn check_publish(&self, check: &PublishCheck) -> Result<()> {
        check.decide(&self.tables().publish_facts(&check.actor, &check.package, &check.version))
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        let mut tables = self.tables();
        let (name, version) = (&commit.manifest.name, &commit.manifest.version);
        let upload = tables.uploads.get(&commit.upload);
        let tags = tables.packages.get(name).map(StoredPackage::dist_tags).unwrap_or_default();
        let facts = PublishFacts {
            upload_is_live: upload
                .is_some_and(|upload| upload.abandoned_at.is_none() && upload.user == commit.actor.user),
            tag_is_set: commit.tag.as_ref().is_some_and(|tag| tags.contains_key(tag)),
            tag_count: tags.keys().filter(|tag| !tag.is_latest()).count() as u64,
            gates: tables.packages.get(name).map(|package| package.gates.clone()).unwrap_or_default(),
            ..tables.publish_facts(&commit.actor, name, version)
        };
        tables.apply(commit.decide(&facts)?, self.clock.now())
    }

    async fn abandon_uploads(&self, limit: usize) -> Result<usize> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let dead = |upload: &&mut StoredUpload| upload.abandoned_at.is_none() && upload.lease_until <= now;
        Ok(tables.uploads.values_mut().filter(dead).take(limit).map(|upload| upload.abandoned_at = Some(now)).count())
    }

    async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>> {
        let before = self.clock.now().checked_sub(ago).unwrap_or(Timestamp::MIN);
        let tables = self.tables();
        let abandoned = tables.uploads.iter().filter_map(|(id, upload)| {
            Some(Upload { id: *id, archive: ArchiveKey::from(*id), abandoned_at: upload.abandoned_at? })
        });
        Ok(abandoned.filter(|upload| upload.abandoned_at <= before).take(limit).collect())
    }

    async fn forget_upload(&self, id: UploadId) -> Result<()> {
        self.tables().uploads.retain(|other, upload| *other != id || upload.abandoned_at.is_none());
        Ok(())
    }
}

impl MemoryMetadata {
    /// The instant so long from now.
    fn after(&self, time: Duration) -> Timestamp {
        self.clock.now().checked_add(time).unwrap_or(Timestamp::MAX)
    }
}

impl From<&PublishCommit> for StoredVersion {
    fn from(commit: &PublishCommit) -> Self {
        Self {
            manifest: commit.manifest.clone(),
            published_at: commit.now,
            published_by: commit.actor.user,
            publisher: None,
            yanked: None,
            texts: VersionTexts::default(),
            archive: commit.archive.clone(),
            sha256: commit.sha256,
            archive_size: commit.archive_size,
            files: commit.files.clone(),
            readme: commit.readme.clone(),
            status: VersionStatus { approval: commit.approval, ..VersionStatus::OPEN },
            wanted_tag: None,
            approvals: Vec::new(),
            recalls: Vec::new(),
            evals: BTreeMap::new(),
            days: BTreeMap::new(),
            dropped_downloads: 0,
            downloads: 0,
        }
    }
}
