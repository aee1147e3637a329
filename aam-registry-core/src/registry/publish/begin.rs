use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    judging::{Judging, Turns},
    lease::{LEASE, Lease},
    upload::{Attempt, Publish, Upload},
};
use crate::{
    decide::{Action, PublishCheck},
    error::Result,
    registry::{Registry, reserved},
    types::{ArchiveKey, ClientNetwork, Manifest, NewUpload, Principal, UploadId},
};

impl Registry {
    /// Begins a publish: the archive's bytes go to [`Publish::write`].
    ///
    /// Waits for a moment where as many uploads are under way as there may be:
    /// of this account, or of the network it comes `from`.
    ///
    /// # Errors
    /// [`Forbidden`](crate::Error::Forbidden) without the scope `publish`;
    /// [`TooManyAtOnce`](crate::Error::TooManyAtOnce) and [`Overloaded`](crate::Error::Overloaded) where too many
    /// uploads are under way; a backend error where database or store fail, or
    /// the store is another registry's.
    pub async fn begin_publish(&self, principal: &Principal, from: Option<ClientNetwork>) -> Result<Publish> {
        Action::Publish.require_credential(principal, None)?;
        self.require_storage_to_write().await?;
        let inner = self.inner();
        let place = Arc::new(inner.uploading.enter(principal.user, from).await?);
        let id = UploadId::generate();
        let key = ArchiveKey::from(id);
        let lease = LEASE.min(self.policy().upload_timeout);
        let started = inner.clock.elapsed();
        let upload = NewUpload { id, user: principal.user, lease };
        inner.publishing.begin_upload(&upload).await?;
        let writer = inner.archives.create(&key).await?;
        let (store, clock) = (Arc::clone(&inner.publishing), Arc::clone(&inner.clock));
        let lease = Lease::new(id, store, clock, started, self.policy().upload_timeout);
        let (by, attempt_by) = (principal.clone(), principal.clone());
        let reserved = Arc::clone(&self.policy().reserved_names);
        let rule = move |manifest: &Manifest| {
            reserved::check_package(&manifest.name, &reserved, by.acts_as_admin())?;
            Action::Publish.require_credential(&by, Some(&manifest.name))
        };
        let (registry, principal) = (self.clone(), principal.clone());
        let check = async move |manifest: Manifest| {
            registry.require_unlike(&principal, &manifest.name).await?;
            let actor = principal.actor();
            let check = PublishCheck {
                actor,
                package: manifest.name,
                version: manifest.version,
                quotas: registry.policy().quotas,
                now: registry.now(),
            };
            registry.inner().publishing.check_publish(&check).await
        };
        let judging = Judging::new(
            self.policy().archive_limits,
            Turns { turns: Arc::clone(&inner.judging), place: Arc::clone(&place) },
            rule,
            check,
        );
        let attempt = Attempt {
            registry: self.clone(),
            by: attempt_by,
            key,
            started,
            received: 0,
            hasher: Sha256::new(),
            _place: place,
        };
        Ok(Publish { attempt, upload: Some(Upload { lease, writer, judging }) })
    }
}
