use sha2::Digest;

use super::{
    PublishOptions, PublishReceipt,
    judging::Judging,
    lease::Lease,
    upload::{Attempt, Publish, Upload, abort, count_failure},
    warnings::warnings,
};
use crate::{
    archive::JudgedArchive,
    decide::{PublishCommit, Published, require_allowed},
    error::{Error, Result},
    types::{ApprovalStatus, AuditEvent, Credential, DistTag, Reach, Sha256Digest, Visibility},
};

impl Publish {
    /// Ends the upload, makes the archive durable and commits the version.
    ///
    /// # Errors
    /// As for [`write`](Self::write), and [`Error::ChecksumMismatch`],
    /// [`Error::TagNotAllowed`], [`Error::NameTooSimilar`], [`Error::QuotaExceeded`]. After a backend error the version may have
    /// been published: [`Error::VersionExists`] with the same digest tells so
    /// at the next attempt.
    pub async fn finish(mut self, options: PublishOptions) -> Result<PublishReceipt> {
        let upload = self.take_upload()?;
        let result = self.attempt.complete(upload, options).await;
        if let Err(error) = &result {
            count_failure(error);
        }
        result
    }
}

impl Attempt {
    async fn complete(self, upload: Upload, options: PublishOptions) -> Result<PublishReceipt> {
        let Upload { mut lease, writer, judging } = upload;
        let judged = match self.judged(&options, &mut lease, judging).await {
            Ok(judged) => judged,
            Err(error) => {
                abort(writer).await;
                return Err(error);
            }
        };
        // Durable before the commit: what is acknowledged survives a power cut.
        let stored = lease.keep_during(writer.finish()).await?;
        if stored != self.received {
            return Err(Error::storage(format!("stored {stored} of {} bytes", self.received), true));
        }
        lease.keep().await?;
        self.commit(&lease, judged, options.tag).await
    }

    async fn judged(
        &self,
        options: &PublishOptions,
        lease: &mut Lease,
        judging: Judging,
    ) -> Result<(JudgedArchive, Sha256Digest)> {
        if let Some(tag) = &options.tag {
            require_allowed(&self.registry.policy().tags, tag)?;
        }
        let verdict = lease.keep_during(async { Ok(judging.end().await) }).await?;
        let sha256 = <[u8; 32]>::from(self.hasher.clone().finalize()).into();
        // Bytes damaged on their way make a bad archive: say which of the two it was.
        if let Some(expected) = options.checksum.filter(|expected| *expected != sha256) {
            return Err(Error::ChecksumMismatch { expected, actual: sha256 });
        }
        let judged = verdict?;
        self.registry.require_unlike(&self.by, &judged.manifest.name).await?;
        Ok((judged, sha256))
    }

    async fn commit(
        self,
        lease: &Lease,
        (judged, sha256): (JudgedArchive, Sha256Digest),
        tag: Option<DistTag>,
    ) -> Result<PublishReceipt> {
        let mut warnings = warnings(&judged);
        let JudgedArchive { manifest, files, readme, .. } = judged;
        let mut audit = self
            .registry
            .entry(AuditEvent::PackagePublish, &self.by, &manifest.name)
            .with_version(&manifest.version)
            .with("sha256", sha256.to_string())
            .with("archive_size", self.received);
        if let Credential::Publisher { publisher, .. } = &self.by.credential {
            audit = audit.with("publisher", publisher.to_string());
        }
        if let Some(tag) = &tag {
            audit = audit.with("tag", tag.as_str());
        }
        let commit = PublishCommit {
            actor: self.by.actor(),
            approval: self.registry.policy().approval.status_of(&manifest.name),
            upload: lease.upload(),
            archive: self.key.clone(),
            manifest,
            sha256,
            archive_size: self.received,
            files,
            readme,
            tag,
            tags: self.registry.policy().tags.clone(),
            quotas: self.registry.policy().quotas,
            latest_policy: self.registry.policy().latest,
            now: audit.timestamp,
            audit,
        };
        let published = match self.registry.inner().publishing.commit_publish(&commit).await {
            Ok(published) => published,
            Err(error) => match self.standing(&commit).await {
                Ok(Some(published)) => published,
                Ok(None) => {
                    if !matches!(error, Error::Backend(_)) {
                        self.delete_archive().await;
                    }
                    return Err(error);
                }
                Err(_) => return Err(error),
            },
        };
        self.announce(&commit);
        if commit.manifest.private && published.visibility == Visibility::Public {
            let name = &commit.manifest.name;
            warnings.push(format!(
                "`private: true` counts for the first version of a package only: {name} is public, and so is this \
                 version; `aam visibility {name} private` changes that"
            ));
        }
        if published.approval == ApprovalStatus::Pending {
            warnings.push(format!(
                "{} {} waits for approval: others see it once an approver has approved it",
                commit.manifest.name, commit.manifest.version
            ));
        }
        if let Some(tag) = &published.waiting_tag {
            warnings.push(format!(
                "the dist-tag `{tag}` waits for an approver; it names {} {} once the version is approved",
                commit.manifest.name, commit.manifest.version
            ));
        }
        Ok(PublishReceipt {
            manifest: commit.manifest,
            sha256,
            archive_size: self.received,
            published_at: published.published_at,
            dist_tags: published.dist_tags,
            approval: published.approval,
            warnings,
        })
    }

    /// What a commit made whose answer was lost: the version stands, and its
    /// archive is ours.
    async fn standing(&self, commit: &PublishCommit) -> Result<Option<Published>> {
        let manifest = &commit.manifest;
        let standing =
            self.registry.inner().packages.version(&manifest.name, &manifest.version, Reach::Everything).await?;
        let ours = standing.filter(|standing| standing.archive == self.key);
        Ok(ours.map(|ours| Published {
            published_at: ours.summary.published_at,
            waiting_tag: commit.tag.clone().filter(|tag| !ours.dist_tags.contains(tag)),
            dist_tags: ours.dist_tags,
            visibility: ours.visibility,
            approval: ours.summary.status.approval,
        }))
    }

    /// Deletes the bytes of a version that was refused, where that works: the sweeper does the rest.
    async fn delete_archive(&self) {
        if let Err(error) = self.registry.inner().archives.delete(&self.key).await {
            tracing::debug!(
                event = "upload_abort_failed",
                error = &error as &dyn std::error::Error,
                "what was stored of a failed upload stays until the sweep",
            );
        }
    }

    fn announce(&self, commit: &PublishCommit) {
        metrics::counter!("aam_publishes_total", "outcome" => "published").increment(1);
        let took = self.registry.inner().clock.elapsed().saturating_sub(self.started);
        tracing::info!(
            event = "package_published",
            user = self.by.name(),
            package = %commit.manifest.name,
            version = %commit.manifest.version,
            size_bytes = commit.archive_size,
            sha256 = %commit.sha256,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(0),
            "package published",
        );
        self.registry.notice_publish(&self.by, &commit.manifest.name);
    }
}
