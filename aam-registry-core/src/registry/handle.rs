use std::{fmt, sync::Arc};

use jiff::Timestamp;
use tokio::sync::{OnceCell, Semaphore};

use super::{
    Policy,
    contents::Unpacking,
    counting::DownloadCounter,
    places::Places,
    protected_names::ProtectedNames,
    publish::UploadCrowd,
    read_only::ReadOnlyGate,
    session_touches::SessionTouches,
    storage::{KnownOwner, StorageProbe},
    suspicion::WatchedActivity,
    token_touches::TokenTouches,
    totals_cache::TotalsCache,
};
use crate::{
    error::Result,
    ports::{
        AccountStore, ArchiveIndex, ArchiveSource, ArchiveStore, AuditLog, Cdn, Clock, CommandHandler, DownloadStore,
        IdTokenVerifier, JobHandler, JobQueue, Mailer, PackageStore, PasswordHasher, PublishStore, QueryHandler,
        RateLimiter, ScannerSignatures, ScopeStore, SecretSealer, SessionSigner, SessionStore, TokenStore, UserStore,
        WebhookSender,
    },
    types::{ClientNetwork, OperatorWebhook, RegistryId},
};

/// The registry: its ports, its policy, and the use cases that work on them.
///
/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Registry(Arc<RegistryParts>);

pub(super) struct RegistryParts {
    pub(super) packages: Arc<dyn PackageStore>,
    pub(super) publishing: Arc<dyn PublishStore>,
    pub(super) commands: Arc<dyn CommandHandler>,
    pub(super) queries: Arc<dyn QueryHandler>,
    pub(super) downloads: Arc<dyn DownloadStore>,
    pub(super) users: Arc<dyn UserStore>,
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) login_sessions: Arc<dyn SessionStore>,
    pub(super) tokens: Arc<dyn TokenStore>,
    pub(super) scopes: Arc<dyn ScopeStore>,
    pub(super) audit: Arc<dyn AuditLog>,
    pub(super) jobs: Arc<dyn JobQueue>,
    pub(super) id_tokens: Option<Arc<dyn IdTokenVerifier>>,
    pub(super) scanner_signatures: Option<Arc<dyn ScannerSignatures>>,
    pub(super) job_handlers: Vec<Arc<dyn JobHandler>>,
    pub(super) mailing: Option<Mailing>,
    pub(super) webhook_sender: Option<Arc<dyn WebhookSender>>,
    pub(super) operator_webhooks: Vec<OperatorWebhook>,
    pub(super) secrets: Option<Arc<dyn SecretSealer>>,
    pub(super) cdn: Option<CdnInFront>,
    pub(super) archive_index: Arc<dyn ArchiveIndex>,
    pub(super) archives: Arc<dyn ArchiveStore>,
    pub(super) archive_source: Arc<dyn ArchiveSource>,
    pub(super) rate_limiter: Arc<dyn RateLimiter>,
    pub(super) passwords: Arc<dyn PasswordHasher>,
    pub(super) sessions: Arc<dyn SessionSigner>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: Policy,
    pub(super) read_only: Arc<ReadOnlyGate>,
    pub(super) counter: DownloadCounter,
    pub(super) suspicion: WatchedActivity,
    pub(super) touches: TokenTouches,
    pub(super) session_touches: SessionTouches,
    pub(super) totals: TotalsCache,
    pub(super) protected_names: ProtectedNames,
    pub(super) id: OnceCell<RegistryId>,
    pub(super) storage_owner: KnownOwner,
    pub(super) storage_probe: StorageProbe,
    /// Limits how many documents are read at a time.
    pub(super) reading: Places<ClientNetwork>,
    /// Limits how many trees are resolved at a time.
    pub(super) resolving: Places<ClientNetwork>,
    /// Limits how many uploads are in progress at a time.
    pub(super) uploading: UploadCrowd,
    /// One permit for each thread that checks an archive; a thread that waits for its client gives it back.
    pub(super) judging: Arc<Semaphore>,
    /// Limits reads inside archives, and caches their results.
    pub(super) unpacking: Unpacking,
}

/// How mails are sent.
#[derive(Clone, Debug)]
pub(crate) struct Mailing {
    pub(crate) mailer: Arc<dyn Mailer>,
    /// The public address of the registry, without a slash at its end.
    pub(crate) base_url: String,
}

/// The CDN in front of the registry.
#[derive(Clone, Debug)]
pub(super) struct CdnInFront {
    pub(super) cdn: Arc<dyn Cdn>,
    /// Its public address, without a slash at the end.
    pub(super) base_url: String,
}

impl Registry {
    pub(super) fn new(inner: RegistryParts) -> Self {
        Self(Arc::new(inner))
    }

    pub(super) fn inner(&self) -> &RegistryParts {
        &self.0
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The policy of the operator.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// How mails are sent; `None` if they are not.
    pub(crate) fn mailing(&self) -> Option<&Mailing> {
        self.0.mailing.as_ref()
    }

    /// The CDN in front of the registry and its public address, if there is one that can be purged.
    pub(crate) fn cdn(&self) -> Option<(&Arc<dyn Cdn>, &str)> {
        self.0.cdn.as_ref().map(|in_front| (&in_front.cdn, &*in_front.base_url))
    }

    /// The id of the registry, which is stored in its database and read once.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn id(&self) -> Result<RegistryId> {
        self.0.id.get_or_try_init(|| self.0.archive_index.registry_id()).await.copied()
    }

    /// The rate limiter.
    pub fn rate_limiter(&self) -> &Arc<dyn RateLimiter> {
        &self.0.rate_limiter
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn check_database(&self) -> Result<()> {
        self.0.packages.check().await
    }

    /// Checks that the store of the rate limiter and the shared cache answers.
    ///
    /// # Errors
    /// A backend error.
    pub async fn check_cache(&self) -> Result<()> {
        self.0.rate_limiter.check().await
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("packages", &self.0.packages)
            .field("archives", &self.0.archives)
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}
