use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    judging::Judging,
    lease::{LEASE, Lease},
    upload::{Attempt, Publish, Upload},
};
use crate::{
    error::{Error, Result},
    ports::PublishCheck,
    registry::{Registry, reserved},
    types::{ArchiveKey, Manifest, NewUpload, Principal, TokenScope, UploadId},
};

impl Registry {
    /// Begins a publish: the archive's bytes go to [`Publish::write`].
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the scope `publish`; [`Error::Overloaded`]
    /// where too many uploads are under way.
    pub async fn begin_publish(&self, principal: &Principal) -> Result<Publish> {
        principal.require_scope(&[TokenScope::Publish])?;
        let inner = self.inner();
        let permit = Arc::clone(&inner.judging).try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let id = UploadId::generate();
        let key = ArchiveKey::from(id);
        let lease = LEASE.min(self.policy().upload_timeout);
        let started = inner.clock.elapsed();
        let upload = NewUpload { id, user: principal.user, lease };
        inner.publishing.begin_upload(&upload).await?;
        let writer = inner.archives.create(&key).await?;
        let (store, clock) = (Arc::clone(&inner.publishing), Arc::clone(&inner.clock));
        let lease = Lease::new(id, store, clock, started, self.policy().upload_timeout);
        let by = principal.clone();
        let rule = move |manifest: &Manifest| {
            reserved::check_package(&manifest.name)?;
            by.require_package(&manifest.name)
        };
        let (registry, actor) = (self.clone(), principal.actor());
        let check = async move |manifest: Manifest| {
            let check = PublishCheck { actor, package: manifest.name, version: manifest.version, now: registry.now() };
            registry.inner().publishing.check_publish(&check).await
        };
        let judging = Judging::new(self.policy().archive_limits, permit, rule, check);
        let attempt =
            Attempt { registry: self.clone(), by: principal.clone(), key, started, received: 0, hasher: Sha256::new() };
        Ok(Publish { attempt, upload: Some(Upload { lease, writer, judging }) })
    }
}
