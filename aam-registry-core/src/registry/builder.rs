use std::{fmt, num::NonZero, path::PathBuf, sync::Arc, thread};

use tokio::sync::{OnceCell, Semaphore};

use super::{
    Policy, Registry,
    authenticate::TokenTouches,
    contents::Unpacking,
    counting::DownloadCounter,
    handle::{Inner, Mailing},
    places::Places,
    publish::UploadCrowd,
    resolve,
    storage::{KnownOwner, StorageProbe},
    totals::TotalsCache,
    webhooks::WebhookDelivery,
};
use crate::{
    decorate::Freshness,
    ports::{
        AccountStore, ArchiveIndex, ArchiveSource, ArchiveStore, AuditLog, Clock, Database, DownloadStore, JobHandler,
        JobQueue, Mailer, PackageStore, PasswordHasher, PublishStore, RateLimiter, ScopeStore, SecretSealer,
        SessionSigner, SystemClock, TokenStore, UserStore, VersionStore, WebhookSender, WebhookStore,
    },
    types::OperatorWebhook,
};

/// How many archives are judged at a time: more than there are processors would only be slower.
fn judged_at_once() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).max(2)
}

/// The ports that a registry still lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    missing: Vec<&'static str>,
}

impl BuildError {
    /// The names of the missing ports, as the builder's methods are called.
    pub fn missing(&self) -> &[&'static str] {
        &self.missing
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the registry lacks these ports: {}", self.missing.join(", "))
    }
}

impl std::error::Error for BuildError {}

macro_rules! builder {
    ($($(#[$doc:meta])* $port:ident: $trait:ident;)+) => {
        /// Gathers the ports and the policy of a [`Registry`].
        ///
        /// ```
        /// use aam_registry_core::{
        ///     memory::{InsecurePasswords, MemoryArchives, MemoryLimiter, MemoryMetadata, MemorySessions},
        ///     registry::{Policy, Registry, RegistrationPolicy},
        /// };
        ///
        /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// let registry = Registry::builder()
        ///     .database(MemoryMetadata::new())
        ///     .archives(MemoryArchives::new())
        ///     .rate_limiter(MemoryLimiter::unlimited())
        ///     .passwords(InsecurePasswords)
        ///     .sessions(MemorySessions::new())
        ///     .policy(Policy::default().with_registration(RegistrationPolicy::Closed))
        ///     .build()?;
        /// assert_eq!(registry.policy().registration, RegistrationPolicy::Closed);
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Default)]
        pub struct RegistryBuilder {
            $($port: Option<Arc<dyn $trait>>,)+
            archive_source: Option<Arc<dyn ArchiveSource>>,
            freshness: Option<Freshness>,
            clock: Option<Arc<dyn Clock>>,
            job_handlers: Vec<Arc<dyn JobHandler>>,
            mailing: Option<Mailing>,
            webhook_delivery: Option<WebhookDelivery>,
            secrets: Option<Arc<dyn SecretSealer>>,
            policy: Policy,
            spool_folder: Option<PathBuf>,
        }

        impl RegistryBuilder {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $port(mut self, port: impl $trait) -> Self {
                    self.$port = Some(Arc::new(port));
                    self
                }
            )+

            fn missing(&self) -> Vec<&'static str> {
                let mut missing = Vec::new();
                $(
                    if self.$port.is_none() {
                        missing.push(stringify!($port));
                    }
                )+
                missing
            }

            /// Builds the registry.
            ///
            /// # Errors
            /// [`BuildError`] names every port that is missing.
            pub fn build(self) -> Result<Registry, BuildError> {
                let missing = self.missing();
                let archive_source = self.archive_source.or_else(|| Some(Arc::new(self.archives.clone()?)));
                let ($(Some($port),)+ Some(archive_source)) = ($(self.$port,)+ archive_source) else {
                    return Err(BuildError { missing });
                };
                let uploading = UploadCrowd::new(self.policy.uploads_per_user);
                Ok(Registry::new(Inner {
                    $($port,)+
                    archive_source,
                    freshness: self.freshness,
                    job_handlers: self.job_handlers,
                    mailing: self.mailing,
                    webhook_delivery: self.webhook_delivery,
                    secrets: self.secrets,
                    clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
                    policy: self.policy,
                    counter: DownloadCounter::default(),
                    touches: TokenTouches::default(),
                    totals: TotalsCache::default(),
                    id: OnceCell::new(),
                    storage_owner: KnownOwner::default(),
                    resolving: Places::new(resolve::AT_ONCE, resolve::AT_ONCE_EACH, resolve::PATIENCE),
                    uploading,
                    judging: Arc::new(Semaphore::new(judged_at_once())),
                    storage_probe: StorageProbe::default(),
                    unpacking: Unpacking::new(self.spool_folder),
                }))
            }
        }
    };
}

builder! {
    /// Sets what keeps packages and versions for reading.
    packages: PackageStore;
    /// Sets what makes uploads versions.
    publishing: PublishStore;
    /// Sets what changes published versions.
    versions: VersionStore;
    /// Sets what keeps download counts.
    downloads: DownloadStore;
    /// Sets what keeps accounts.
    users: UserStore;
    /// Sets what changes accounts and ends credentials.
    accounts: AccountStore;
    /// Sets what keeps API tokens.
    tokens: TokenStore;
    /// Sets what keeps scopes.
    scopes: ScopeStore;
    /// Sets what keeps the audit log.
    audit: AuditLog;
    /// Sets what keeps queued jobs.
    jobs: JobQueue;
    /// Sets what keeps the webhooks of scopes.
    webhooks: WebhookStore;
    /// Sets what knows which archives there should be.
    archive_index: ArchiveIndex;
    /// Sets what keeps the bytes of archives.
    archives: ArchiveStore;
    /// Sets what limits how often clients may do what.
    rate_limiter: RateLimiter;
    /// Sets what hashes passwords.
    passwords: PasswordHasher;
    /// Sets what signs login sessions.
    sessions: SessionSigner;
}

impl RegistryBuilder {
    /// Sets every port that one database keeps.
    #[must_use]
    pub fn database(mut self, database: impl Database) -> Self {
        let database = Arc::new(database);
        self.packages = Some(database.clone());
        self.publishing = Some(database.clone());
        self.versions = Some(database.clone());
        self.downloads = Some(database.clone());
        self.users = Some(database.clone());
        self.accounts = Some(database.clone());
        self.tokens = Some(database.clone());
        self.scopes = Some(database.clone());
        self.archive_index = Some(database.clone());
        self.audit = Some(database.clone());
        self.jobs = Some(database.clone());
        self.webhooks = Some(database);
        self
    }

    /// Sets what archives are read from, such as a
    /// [cache](crate::decorate::TieredArchives) in front of their store; the
    /// store itself where this is not called.
    #[must_use]
    pub fn archive_source(mut self, source: impl ArchiveSource) -> Self {
        self.archive_source = Some(Arc::new(source));
        self
    }

    /// Sets what tells for how long what was made of metadata may be kept, of
    /// a [cached database](crate::decorate::CachedMetadata::freshness); without
    /// it, every answer is made anew.
    #[must_use]
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = Some(freshness);
        self
    }

    /// Adds what does one kind of queued job, such as a subscriber to events,
    /// in place of an earlier one of the same kind.
    /// [`run_background`](Registry::run_background) gives it its jobs.
    #[must_use]
    pub fn job_handler(mut self, handler: impl JobHandler) -> Self {
        self.job_handlers.retain(|earlier| earlier.kind() != handler.kind());
        self.job_handlers.push(Arc::new(handler));
        self
    }

    /// Sets what sends mails to users, and the public address of the registry, such as
    /// `https://registry.example.com`, for the links in them. Without it the log says which mails were
    /// not sent.
    #[must_use]
    pub fn mailer(mut self, mailer: impl Mailer, base_url: impl Into<String>) -> Self {
        let base_url = base_url.into().trim_end_matches('/').to_owned();
        self.mailing = Some(Mailing { mailer: Arc::new(mailer), base_url });
        self
    }

    /// Sets what sends webhooks, and those of the operator. Without it none are sent.
    #[must_use]
    pub fn webhook_delivery(
        mut self,
        sender: impl WebhookSender,
        operator: impl IntoIterator<Item = OperatorWebhook>,
    ) -> Self {
        let operator = operator.into_iter().collect();
        self.webhook_delivery = Some(WebhookDelivery { sender: Arc::new(sender), operator });
        self
    }

    /// Sets what encrypts secrets that have to be read again. Without it
    /// scopes have no webhooks.
    #[must_use]
    pub fn secrets(mut self, sealer: impl SecretSealer) -> Self {
        self.secrets = Some(Arc::new(sealer));
        self
    }

    /// Sets what tells the time; the machine's clock where this is not called.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets what the operator decides; the defaults where this is not called.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the folder that large files of archives are unpacked to while they
    /// are read: up to 2 GiB, in files without a name; the system's folder of
    /// temporary files where this is not called, or cannot be written to.
    #[must_use]
    pub fn spool_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spool_folder = Some(folder.into());
        self
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("missing", &self.missing())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_port_is_named_at_once() {
        let error = Registry::builder().build().expect_err("nothing was set");
        assert_eq!(error.missing().len(), 16);
        assert!(error.to_string().ends_with("rate_limiter, passwords, sessions"), "{error}");
    }
}
