use std::{fmt, num::NonZero, path::PathBuf, sync::Arc, thread};

use tokio::sync::{OnceCell, Semaphore};

use super::{
    Policy, Registry,
    contents::Unpacking,
    counting::DownloadCounter,
    handle::{CdnInFront, Mailing, RegistryParts},
    places::Places,
    protected_names::ProtectedNames,
    publish::UploadCrowd,
    read_only::{GatedCommands, GatedPublishing, ReadOnlyGate},
    reading, resolve,
    session_touches::SessionTouches,
    storage::{KnownOwner, StorageProbe},
    suspicion::WatchedActivity,
    token_touches::TokenTouches,
    totals_cache::TotalsCache,
};
use crate::{
    ports::{
        AccountStore, ArchiveIndex, ArchiveSource, ArchiveStore, AuditLog, Cdn, Clock, CommandHandler, Database,
        DownloadStore, IdTokenVerifier, JobHandler, JobQueue, Mailer, PackageStore, PasswordHasher, PublishStore,
        QueryHandler, RateLimiter, ScannerSignatures, ScopeStore, SecretSealer, SessionSigner, SessionStore,
        SystemClock, TokenStore, UserStore, WebhookSender,
    },
    types::{OWN_JOB_KINDS, OperatorWebhook, is_kind_of},
};

/// How many archives are checked at a time. More than there are processors would only be slower.
fn judged_at_once() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).max(2)
}

/// Why a registry cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Ports are missing.
    #[error("the registry lacks these ports: {}", ports.join(", "))]
    MissingPorts {
        /// Their names, as the builder's methods are called.
        ports: Vec<&'static str>,
    },
    /// A job handler has a kind of the registry's own jobs, or one below it.
    #[error("the job handler `{kind}` would get jobs of the registry itself; give it another kind")]
    ReservedJobKind {
        /// The kind.
        kind: String,
    },
    /// Two job handlers would get the same jobs.
    #[error("two job handlers would get the jobs of the kind `{kind}`; give each a kind of its own")]
    DuplicateJobKind {
        /// The kind of one of them.
        kind: String,
    },
}

/// Refuses handlers of which it is not clear who gets which job.
fn check_job_kinds(handlers: &[Arc<dyn JobHandler>]) -> Result<(), BuildError> {
    for (at, handler) in handlers.iter().enumerate() {
        let kind = handler.kind();
        if kind.is_empty() || OWN_JOB_KINDS.iter().any(|own| is_kind_of(own, kind) || is_kind_of(kind, own)) {
            return Err(BuildError::ReservedJobKind { kind: kind.to_owned() });
        }
        let others = &handlers[..at];
        if others.iter().any(|other| is_kind_of(other.kind(), kind) || is_kind_of(kind, other.kind())) {
            return Err(BuildError::DuplicateJobKind { kind: kind.to_owned() });
        }
    }
    Ok(())
}

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
            clock: Option<Arc<dyn Clock>>,
            job_handlers: Vec<Arc<dyn JobHandler>>,
            mailing: Option<Mailing>,
            webhook_sender: Option<Arc<dyn WebhookSender>>,
            operator_webhooks: Vec<OperatorWebhook>,
            secrets: Option<Arc<dyn SecretSealer>>,
            cdn: Option<CdnInFront>,
            id_tokens: Option<Arc<dyn IdTokenVerifier>>,
            scanner_signatures: Option<Arc<dyn ScannerSignatures>>,
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
            /// [`BuildError`] names every port that is missing, or the job handler that cannot be used.
            pub fn build(mut self) -> Result<Registry, BuildError> {
                let missing = self.missing();
                let clock = self.clock.take().unwrap_or_else(|| Arc::new(SystemClock));
                let gate = self.gate(&clock);
                let archive_source = self.archive_source.or_else(|| Some(Arc::new(self.archives.clone()?)));
                let ($(Some($port),)+ Some(archive_source), Some(read_only)) = ($(self.$port,)+ archive_source, gate) else {
                    return Err(BuildError::MissingPorts { ports: missing });
                };
                check_job_kinds(&self.job_handlers)?;
                let uploading = UploadCrowd::new(self.policy.uploads_per_user);
                let counter = DownloadCounter::new(self.policy.logs_reads);
                Ok(Registry::new(RegistryParts {
                    $($port,)+
                    read_only,
                    archive_source,
                    job_handlers: self.job_handlers,
                    mailing: self.mailing,
                    webhook_sender: self.webhook_sender,
                    operator_webhooks: self.operator_webhooks,
                    secrets: self.secrets,
                    cdn: self.cdn,
                    id_tokens: self.id_tokens,
                    scanner_signatures: self.scanner_signatures,
                    clock,
                    policy: self.policy,
                    counter,
                    suspicion: WatchedActivity::default(),
                    touches: TokenTouches::default(),
                    session_touches: SessionTouches::default(),
                    totals: TotalsCache::default(),
                    protected_names: ProtectedNames::default(),
                    id: OnceCell::new(),
                    storage_owner: KnownOwner::default(),
                    reading: reading::turns(),
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
    /// Sets the store that executes commands: every change but a publish.
    commands: CommandHandler;
    /// Sets the store that answers queries.
    queries: QueryHandler;
    /// Sets the store that packages and versions are read from.
    packages: PackageStore;
    /// Sets the store that publishes uploads as versions.
    publishing: PublishStore;
    /// Sets the store of download counts.
    downloads: DownloadStore;
    /// Sets the store that accounts are read from.
    users: UserStore;
    /// Sets the store that accounts are listed from.
    accounts: AccountStore;
    /// Sets the store in which login sessions are recorded.
    login_sessions: SessionStore;
    /// Sets the store of API tokens.
    tokens: TokenStore;
    /// Sets the store of scopes.
    scopes: ScopeStore;
    /// Sets the store of the audit log.
    audit: AuditLog;
    /// Sets the queue of jobs.
    jobs: JobQueue;
    /// Sets the index of the archives that the database refers to.
    archive_index: ArchiveIndex;
    /// Sets the store of the bytes of archives.
    archives: ArchiveStore;
    /// Sets the rate limiter.
    rate_limiter: RateLimiter;
    /// Sets the hasher of passwords.
    passwords: PasswordHasher;
    /// Sets the signer of login sessions.
    sessions: SessionSigner;
}

impl Registry {
    /// Starts building a registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }
}

impl RegistryBuilder {
    /// Puts the gate of read-only mode in front of the two ports through which everything is changed.
    fn gate(&mut self, clock: &Arc<dyn Clock>) -> Option<Arc<ReadOnlyGate>> {
        let gate = ReadOnlyGate::new(self.policy.read_only, self.queries.clone()?, Arc::clone(clock));
        let gate = Arc::new(gate);
        let (commands, publishing) = (self.commands.take()?, self.publishing.take()?);
        self.commands = Some(Arc::new(GatedCommands { commands, gate: Arc::clone(&gate) }));
        self.publishing = Some(Arc::new(GatedPublishing { publishing, gate: Arc::clone(&gate) }));
        Some(gate)
    }

    /// Sets every port that a database implements.
    #[must_use]
    pub fn database(mut self, database: impl Database) -> Self {
        let database = Arc::new(database);
        self.packages = Some(database.clone());
        self.publishing = Some(database.clone());
        self.commands = Some(database.clone());
        self.queries = Some(database.clone());
        self.downloads = Some(database.clone());
        self.users = Some(database.clone());
        self.accounts = Some(database.clone());
        self.login_sessions = Some(database.clone());
        self.tokens = Some(database.clone());
        self.scopes = Some(database.clone());
        self.archive_index = Some(database.clone());
        self.audit = Some(database.clone());
        self.jobs = Some(database);
        self
    }

    /// Sets where archives are read from, such as a [cache](crate::decorate::TieredArchives) in front of
    /// their store. By default they are read from the store.
    #[must_use]
    pub fn archive_source(mut self, source: impl ArchiveSource) -> Self {
        self.archive_source = Some(Arc::new(source));
        self
    }

    /// Adds a handler for one kind of queued job, such as a subscriber to events. Each has a kind of its
    /// own, and none that of the registry's own jobs: `cdn`, `drop_aged`, `event`, `mail`, `prune_audit` and
    /// `webhook`. [`run_background`](Registry::run_background) gives it its jobs.
    #[must_use]
    pub fn job_handler(mut self, handler: impl JobHandler) -> Self {
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

    /// Sets the sender of webhooks, and the webhooks of the operator. Without it none are sent.
    #[must_use]
    pub fn webhook_delivery(
        mut self,
        sender: impl WebhookSender,
        operator: impl IntoIterator<Item = OperatorWebhook>,
    ) -> Self {
        self.webhook_sender = Some(Arc::new(sender));
        self.operator_webhooks(operator)
    }

    /// Sets the webhooks of the operator without a sender: for commands that show and enable them.
    #[must_use]
    pub fn operator_webhooks(mut self, webhooks: impl IntoIterator<Item = OperatorWebhook>) -> Self {
        self.operator_webhooks = webhooks.into_iter().collect();
        self
    }

    /// Sets the port that encrypts secrets which have to be read again. Without it scopes have no
    /// webhooks.
    #[must_use]
    pub fn secrets(mut self, sealer: impl SecretSealer) -> Self {
        self.secrets = Some(Arc::new(sealer));
        self
    }

    /// Sets the CDN in front of the registry, which serves it at `base_url`: what a change makes stale or takes away is
    /// purged there. Redirects to it are made by [`CdnArchives`](crate::decorate::CdnArchives).
    #[must_use]
    pub fn cdn(mut self, cdn: impl Cdn, base_url: impl Into<String>) -> Self {
        let base_url = base_url.into().trim_end_matches('/').to_owned();
        self.cdn = Some(CdnInFront { cdn: Arc::new(cdn), base_url });
        self
    }

    /// Sets the port that verifies ID tokens. Without it packages have no trusted publishers.
    #[must_use]
    pub fn id_tokens(mut self, verifier: impl IdTokenVerifier) -> Self {
        self.id_tokens = Some(Arc::new(verifier));
        self
    }

    /// Sets the port that checks who signed a report of leaked tokens. Without it anybody may report one who has it.
    #[must_use]
    pub fn scanner_signatures(mut self, signatures: impl ScannerSignatures) -> Self {
        self.scanner_signatures = Some(Arc::new(signatures));
        self
    }

    /// Sets the clock; the clock of the machine by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets the policy of the operator.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the folder to which large files of archives are unpacked while they are read: up to 2 GiB, of
    /// which one client may use 512 MiB, in unnamed files. By default, and if the folder cannot be written to, it is the system's folder for
    /// temporary files.
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
    use async_trait::async_trait;

    use super::*;
    use crate::{
        memory,
        ports::JobFailure,
        types::{AuditEvent, Job, NewJob},
    };

    #[derive(Debug)]
    struct Handler(&'static str);

    #[async_trait]
    impl JobHandler for Handler {
        fn kind(&self) -> &str {
            self.0
        }

        fn wants(&self, _: AuditEvent) -> bool {
            false
        }

        async fn run(&self, _: &Job) -> Result<Vec<NewJob>, JobFailure> {
            Ok(Vec::new())
        }
    }

    fn with_handlers(kinds: &[&'static str]) -> Result<(), BuildError> {
        let builder = kinds.iter().fold(memory::registry(), |builder, kind| builder.job_handler(Handler(kind)));
        builder.build().map(drop)
    }

    #[test]
    fn a_handler_gets_no_jobs_of_the_registry_itself() {
        for kind in ["event", "event:x", "mail", "mail:ada", "webhook", "webhook:mine", ""] {
            let expected = BuildError::ReservedJobKind { kind: kind.to_owned() };
            assert_eq!(with_handlers(&["other", kind]), Err(expected), "{kind}");
        }
        assert_eq!(with_handlers(&["events", "mailing", "scan:deep"]), Ok(()));
    }

    #[test]
    fn each_handler_has_a_kind_of_its_own() {
        for [first, second] in [["scan", "scan"], ["scan", "scan:deep"], ["scan:deep", "scan"]] {
            let expected = BuildError::DuplicateJobKind { kind: second.to_owned() };
            assert_eq!(with_handlers(&[first, second]), Err(expected), "{first}, {second}");
        }
        assert_eq!(with_handlers(&["scan:deep", "scan:fast"]), Ok(()));
    }

    #[test]
    fn every_missing_port_is_named_at_once() {
        let error = Registry::builder().build().expect_err("nothing was set");
        assert!(matches!(&error, BuildError::MissingPorts { ports } if ports.len() == 17), "{error:?}");
        assert!(error.to_string().ends_with("rate_limiter, passwords, sessions"), "{error}");
    }
}
