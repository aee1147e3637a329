//! If `T` implements a port, `Arc<T>` implements it too: a host can keep a reference to what it passes
//! to the registry, and pass one store for several ports.

use std::{collections::BTreeMap, ops::Range, sync::Arc, task::Poll, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{Extensions, HeaderMap, Method, Uri, request::Parts};
use jiff::Timestamp;

use super::{
    AccountStore, ArchiveContent, ArchiveIndex, ArchiveSource, ArchiveStore, ArchiveWriter, AuditLog, Authenticator,
    Cached, Cdn, ChangeEvent, ChangeFeed, Clock, CommandHandler, DownloadStore, IdTokenVerifier, JobFailure,
    JobHandler, JobQueue, Login, MailFailure, Mailer, PackageStore, PasswordHasher, PublishStore, QueryHandler,
    QueryRequest, RateClass, RateLimiter, ScannerSignature, ScannerSignatures, ScopeStore, SecretSealer, Session,
    SessionSigner, SessionStore, SharedCache, Stamp, StoredArchive, TokenHolder, TokenStore, UserStore, WebhookAnswer,
    WebhookMessage, WebhookSender,
};
use crate::{
    decide::{Audience, PublishCheck, PublishCommit, Published, Request, Rights},
    error::Result,
    types::{
        AccountFilter, Actor, ArchiveFile, ArchiveKey, ArchiveLocation, AuditEntry, AuditEvent, AuditFilter, ChainLink,
        Change, DayDownloads, DistTag, DownloadBatch, DownloadQuery, IdToken, Issuer, Job, JobEnd, JobFigures,
        JobFilter, JobLease, JobSelection, LeasedJob, LocatedVersion, LoginSession, Mail, Memberships, NewAuditEntry,
        NewJob, NewUpload, OneTimePurpose, Package, PackageName, PackageSummary, Page, Principal, PublishedVersion,
        RateDecision, Reach, RegistryId, RegistryTotals, Scope, ScopeName, ScopeRole, SealedSecret, SearchQuery,
        Sha256Digest, Sight, Token, TokenUse, Upload, UploadId, User, UserId, UserProfile, Username, Version,
        VersionDetail, VersionList, VersionRange, VersionSummary, WebhookUrl,
    },
};

/// Implements ports for `Arc<T>`. The methods are listed as in the trait, `async` ones first; a missing
/// method does not compile.
macro_rules! shared {
    ($(
        impl $port:ident {
            $(async fn $name:ident(&self $(, $arg:ident: $kind:ty)*) -> $gives:ty;)*
            $(fn $now:ident(&self $(, $arg_now:ident: $kind_now:ty)*) -> $gives_now:ty;)*
        }
    )+) => {
        $(
            #[deny(clippy::missing_trait_methods)]
            #[async_trait]
            impl<T: $port + ?Sized> $port for Arc<T> {
                $(async fn $name(&self $(, $arg: $kind)*) -> $gives {
                    self.as_ref().$name($($arg),*).await
                })*
                $(fn $now(&self $(, $arg_now: $kind_now)*) -> $gives_now {
                    self.as_ref().$now($($arg_now),*)
                })*
            }
        )+
    };
}

shared! {
    impl AccountStore {
        async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>>;
        async fn one_time_holder(&self, token: &Sha256Digest, purpose: OneTimePurpose, now: Timestamp) -> Result<Option<User>>;
    }
    impl ArchiveIndex {
        async fn archive_location(&self, name: &PackageName, version: &Version, audience: Audience) -> Result<Option<ArchiveLocation>>;
        async fn published_archives(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<ArchiveLocation>>;
        async fn unreferenced_archives(&self, keys: &[ArchiveKey]) -> Result<Vec<ArchiveKey>>;
        async fn registry_id(&self) -> Result<RegistryId>;
    }
    impl ArchiveSource {
        async fn open(&self, archive: &ArchiveLocation, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>>;
    }
    impl ArchiveStore {
        async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>>;
        async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>>;
        async fn redirect(&self, location: &ArchiveLocation, method: &Method, audience: Audience) -> Result<Option<Uri>>;
        async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>>;
        async fn delete(&self, key: &ArchiveKey) -> Result<()>;
        async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>>;
        async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>>;
        async fn owner(&self) -> Result<Option<RegistryId>>;
        async fn set_owner(&self, registry: RegistryId) -> Result<()>;
        async fn check(&self) -> Result<()>;
    }
    impl AuditLog {
        async fn append(&self, entry: &NewAuditEntry) -> Result<()>;
        async fn sequence(&self, limit: usize) -> Result<usize>;
        async fn head(&self) -> Result<ChainLink>;
        async fn entries_after(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>>;
        async fn entries(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>>;
        async fn last_before(&self, before: Timestamp) -> Result<Option<ChainLink>>;
        async fn delete_entries(&self, through: u64, limit: usize) -> Result<usize>;
    }
    impl JobQueue {
        async fn enqueue(&self, jobs: &[NewJob]) -> Result<()>;
        async fn due_kinds(&self) -> Result<Vec<String>>;
        async fn lease_jobs(&self, kind: &str, limit: usize, lease: JobLease, lasting: Duration) -> Result<Vec<LeasedJob>>;
        async fn finish_job(&self, leased: &LeasedJob, end: &JobEnd) -> Result<bool>;
        async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>>;
        async fn retry_jobs(&self, which: &JobSelection) -> Result<u64>;
        async fn drop_jobs(&self, which: &JobSelection) -> Result<u64>;
        async fn drop_oldest_jobs(&self, kind: &str, keep: u64) -> Result<u64>;
        async fn forget_jobs(&self, prefix: &str, ended_for: Duration, limit: usize) -> Result<u64>;
        async fn job_figures(&self) -> Result<Vec<JobFigures>>;
    }
    impl CommandHandler {
        async fn handle(&self, request: Request) -> Result<()>;
    }
    impl QueryHandler {
        async fn read(&self, request: QueryRequest) -> Result<()>;
    }
    impl IdTokenVerifier {
        async fn verify(&self, token: &str, now: Timestamp) -> Result<IdToken>;
        fn issuers(&self) -> Vec<Issuer>;
        fn audience(&self) -> String;
    }
    impl ScannerSignatures {
        async fn check(&self, body: &[u8], signature: ScannerSignature<'_>, now: Timestamp) -> Result<()>;
    }

    impl Cdn {
        async fn purge(&self, urls: &[String], id: &str) -> std::result::Result<(), JobFailure>;
        fn most_urls(&self) -> usize;
        fn sign(&self, url: &str, now: Timestamp, lasting: Duration) -> Result<Option<String>>;
    }
    impl ChangeFeed {
        async fn announce(&self, change: &Change) -> Result<()>;
        fn name(&self) -> &'static str;
        fn subscribe(&self) -> BoxStream<'static, ChangeEvent>;
    }
    impl DownloadStore {
        async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()>;
        async fn refresh_totals(&self) -> Result<()>;
        async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads>;
    }
    impl JobHandler {
        async fn kinds_for(&self, event: &NewAuditEntry) -> Result<Vec<String>>;
        async fn run(&self, job: &Job) -> std::result::Result<Vec<NewJob>, JobFailure>;
        fn kind(&self) -> &str;
        fn wants(&self, event: AuditEvent) -> bool;
        fn keeps(&self, job: &Job) -> bool;
        fn retry_delay(&self, attempts: u64) -> Option<Duration>;
    }
    impl Mailer {
        async fn send(&self, mail: &Mail) -> std::result::Result<(), MailFailure>;
    }
    impl PackageStore {
        async fn package(&self, name: &PackageName, reach: Reach) -> Result<Option<Package>>;
        async fn version_list(&self, name: &PackageName, range: &VersionRange, reach: Reach) -> Result<Option<VersionList>>;
        async fn versions(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<VersionSummary>>>;
        async fn version_numbers(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<PublishedVersion>>>;
        async fn tags(&self, name: &PackageName, reach: Reach) -> Result<Option<BTreeMap<DistTag, Version>>>;
        async fn owners(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<Username>>>;
        async fn version(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<VersionDetail>>;
        async fn located_version(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<LocatedVersion>>;
        async fn files(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Vec<ArchiveFile>>>;
        async fn readme(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Option<String>>>;
        async fn rights(&self, actor: &Actor, name: &PackageName) -> Result<Option<Rights>>;
        async fn memberships(&self, user: UserId) -> Result<Arc<Memberships>>;
        async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>>;
        async fn totals(&self) -> Result<RegistryTotals>;
        async fn check(&self) -> Result<()>;
        fn known_memberships(&self, user: UserId) -> Option<Arc<Memberships>>;
    }
    impl PasswordHasher {
        async fn hash(&self, password: String) -> Result<String>;
        async fn verify(&self, password: String, hash: Option<String>) -> Result<bool>;
    }
    impl PublishStore {
        async fn begin_upload(&self, upload: &NewUpload) -> Result<()>;
        async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool>;
        async fn check_publish(&self, check: &PublishCheck) -> Result<()>;
        async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published>;
        async fn abandon_uploads(&self, limit: usize) -> Result<usize>;
        async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>>;
        async fn forget_upload(&self, id: UploadId) -> Result<()>;
    }
    impl RateLimiter {
        async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>>;
        async fn give_back(&self, class: RateClass, client: &str) -> Result<()>;
        async fn check(&self) -> Result<()>;
        fn take_now(&self, class: RateClass, client: &str) -> Poll<Option<RateDecision>>;
    }
    impl ScopeStore {
        async fn scope(&self, name: &ScopeName, sight: &Sight) -> Result<Option<Scope>>;
        async fn scopes_of(&self, user: UserId, limit: usize) -> Result<Vec<(ScopeName, ScopeRole)>>;
    }
    impl SessionStore {
        async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>>;
        async fn touch_sessions(&self, used: &[(UserId, String, Timestamp)]) -> Result<()>;
    }
    impl SharedCache {
        async fn get(&self, key: &str, groups: &[&str]) -> Result<Cached>;
        async fn put(&self, key: &str, groups: &[&str], value: Bytes, stamp: &Stamp, lifetime: Duration) -> Result<()>;
        async fn empty(&self, group: &str) -> Result<()>;
        async fn check(&self) -> Result<()>;
    }
    impl TokenStore {
        async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>>;
        async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>>;
        async fn touch_tokens(&self, used: &[TokenUse]) -> Result<()>;
    }
    impl UserStore {
        async fn login(&self, login: &str) -> Result<Option<Login>>;
        async fn user(&self, id: UserId) -> Result<Option<User>>;
        async fn profile(&self, username: &Username, sight: &Sight) -> Result<Option<UserProfile>>;
        async fn has_admin(&self) -> Result<bool>;
        async fn session_user(&self, user: UserId, session: &str, generation: u64) -> Result<Option<User>>;
        async fn forget_sessions(&self, now: Timestamp) -> Result<()>;
    }
    impl WebhookSender {
        async fn send(&self, message: &WebhookMessage<'_>) -> std::result::Result<WebhookAnswer, String>;
        fn refusal(&self, url: &WebhookUrl) -> Option<String>;
    }
}

// The other ports do not fit the macro: one has a lifetime, three have no `async` method.

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: Authenticator + ?Sized> Authenticator for Arc<T> {
    fn credential<'r>(&self, headers: &'r HeaderMap, extensions: &'r Extensions) -> Option<&'r [u8]> {
        self.as_ref().credential(headers, extensions)
    }

    async fn authenticate(&self, request: &Parts) -> Result<Principal> {
        self.as_ref().authenticate(request).await
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        self.as_ref().now()
    }

    fn elapsed(&self) -> Duration {
        self.as_ref().elapsed()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T: SecretSealer + ?Sized> SecretSealer for Arc<T> {
    fn seal(&self, secret: &str, context: &str) -> Result<SealedSecret> {
        self.as_ref().seal(secret, context)
    }

    fn open(&self, sealed: &SealedSecret, context: &str) -> Result<String> {
        self.as_ref().open(sealed, context)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T: SessionSigner + ?Sized> SessionSigner for Arc<T> {
    fn sign(&self, session: &Session) -> Result<String> {
        self.as_ref().sign(session)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Option<Session> {
        self.as_ref().verify(token, now)
    }
}
