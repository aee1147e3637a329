use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    MemoryMetadata,
    tables::{StoredPackage, StoredUpload, StoredVersion, Tables},
};
use crate::{
    error::{Error, Result},
    ports::{PublishCheck, PublishCommit, PublishStore, Published},
    types::{Action, Actor, ArchiveKey, NewUpload, PackageName, Upload, UploadId, Version},
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
        self.tables().require_publishable(&check.actor, &check.package, &check.version, check.now)
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        let mut tables = self.tables();
        let (name, version) = (&commit.manifest.name, &commit.manifest.version);
        tables.require_publishable(&commit.actor, name, version, commit.now)?;
        let upload = tables.uploads.get(&commit.upload);
        if upload.is_none_or(|upload| upload.abandoned_at.is_some() || upload.user != commit.actor.user) {
            return Err(Error::upload_ended());
        }
        let stands = |tag| tables.packages.get(name).is_some_and(|package| package.dist_tags().contains_key(tag));
        if commit.tag.as_ref().is_some_and(stands) {
            tables.rights(&commit.actor, name).require(Action::Tag, name)?;
        }

        tables.uploads.remove(&commit.upload);
        let now = tables.packages.get(name).map_or(commit.now, |package| commit.now.max(package.updated_at));
        let package = tables.packages.entry(name.clone()).or_insert_with(|| StoredPackage {
            created_at: now,
            updated_at: now,
            owners: if name.scope().is_none() { [commit.actor.user].into() } else { BTreeSet::new() },
            latest: None,
            tags: BTreeMap::new(),
            versions: Vec::new(),
        });
        package.updated_at = now;
        package.versions.push(StoredVersion { published_at: now, ..StoredVersion::from(commit) });
        package.recompute_latest(commit.latest_policy);
        if let Some(tag) = &commit.tag {
            package.set_tag(tag, version.clone());
        }
        let tags = package.dist_tags().into_iter().filter(|(_, named)| named == version);
        let dist_tags = tags.map(|(tag, _)| tag).collect();
        tables.append(&commit.audit);
        Ok(Published { published_at: now, dist_tags })
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

impl Tables {
    /// Fails where the actor could not publish that version now.
    fn require_publishable(&self, actor: &Actor, name: &PackageName, version: &Version, now: Timestamp) -> Result<()> {
        self.require_live(actor, now)?;
        let package = self.packages.get(name);
        self.rights(actor, name).require_publish(name, package.is_some())?;
        let Some(package) = package else { return self.require_dissimilar(name) };
        match package.version(version) {
            None => Ok(()),
            Some(existing) => Err(Error::VersionExists {
                package: name.clone(),
                version: existing.manifest.version.clone(),
                sha256: existing.sha256,
            }),
        }
    }

    /// Fails where a new unscoped name could be mistaken for another.
    fn require_dissimilar(&self, name: &PackageName) -> Result<()> {
        if name.scope().is_some() {
            return Ok(());
        }
        let key = name.similarity_key();
        let mut unscoped = self.packages.keys().filter(|other| other.scope().is_none());
        match unscoped.find(|other| other.similarity_key() == key) {
            None => Ok(()),
            Some(existing) => Err(Error::NameTooSimilar { name: name.clone(), existing: existing.clone() }),
        }
    }
}

impl From<&PublishCommit> for StoredVersion {
    fn from(commit: &PublishCommit) -> Self {
        Self {
            manifest: commit.manifest.clone(),
            published_at: commit.now,
            published_by: commit.actor.user,
            yanked: None,
            deprecated: None,
            archive: commit.archive.clone(),
            sha256: commit.sha256,
            archive_size: commit.archive_size,
            files: commit.files.clone(),
            readme: commit.readme.clone(),
            days: BTreeMap::new(),
            downloads: 0,
        }
    }
}
