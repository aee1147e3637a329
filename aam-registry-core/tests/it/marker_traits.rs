//! What hosts rely on without naming it: which types can be shared between threads, cloned and printed.
//! A type that loses one of these does not compile here.

use std::fmt::Debug;

use aam_registry_core::{
    Error,
    archive::ArchiveLimits,
    decide::{Changes, Decision},
    decorate::{CachedMetadata, TieredArchives},
    http::{
        BearerAuthenticator, Caller, Dispatch, Failure, MatchedRoute, Readiness, RegistryBody, RegistryService,
        RegistryServiceBuilder, RequestBody, RequestContext, ResponseFuture, StackParts,
        layers::{
            AnswerFailuresLayer, AuthenticateLayer, CatchPanicLayer, ClientAddressLayer, ConditionalLayer, HeadLayer,
            MatchRouteLayer, ObserveLayer, RateLimitLayer, RequestIdLayer, RequestSpanLayer,
        },
    },
    memory::{MemoryArchives, MemoryLimiter, MemoryMetadata, MemorySessions},
    ports::{
        AccountStore, ArchiveContent, ArchiveIndex, ArchiveSource, ArchiveStore, ArchiveWriter, AuditLog,
        Authenticator, ChangeFeed, Clock, CommandHandler, Database, DownloadStore, JobHandler, JobQueue, PackageStore,
        PasswordHasher, PublishStore, QueryHandler, RateLimiter, ScopeStore, SessionSigner, SharedCache, TokenStore,
        UserStore, WebhookSender,
    },
    registry::{Events, Registry, RegistryBuilder},
    types::{AuditEntry, Manifest, Package, Principal, VersionDetail, Viewer},
};

fn sent<T: Debug + Send + ?Sized>() {}
fn shared<T: Debug + Send + Sync + ?Sized>() {}
fn cloned<T: Clone + Debug + Send + Sync + 'static>() {}

#[test]
fn a_service_and_its_parts_go_to_every_thread() {
    cloned::<Registry>();
    cloned::<RegistryService>();
    cloned::<Dispatch>();
    cloned::<BearerAuthenticator>();
    cloned::<Readiness>();
    cloned::<RequestContext>();
    cloned::<MatchedRoute>();
    cloned::<Caller>();
    shared::<RegistryBuilder>();
    shared::<RegistryServiceBuilder>();
    shared::<StackParts>();
    shared::<Events>();
    shared::<Failure>();
    // Bodies and futures are polled by one thread at a time.
    sent::<RegistryBody>();
    sent::<RequestBody>();
    sent::<ResponseFuture>();
}

#[test]
fn every_layer_can_be_cloned() {
    cloned::<AnswerFailuresLayer>();
    cloned::<AuthenticateLayer>();
    cloned::<CatchPanicLayer>();
    cloned::<ClientAddressLayer>();
    cloned::<ConditionalLayer>();
    cloned::<HeadLayer>();
    cloned::<MatchRouteLayer>();
    cloned::<ObserveLayer>();
    cloned::<RateLimitLayer>();
    cloned::<RequestIdLayer>();
    cloned::<RequestSpanLayer>();
}

/// As `Arc<dyn Port>`, which a port that is not object-safe cannot be.
#[test]
fn every_port_is_shared_as_an_object() {
    shared::<dyn AccountStore>();
    shared::<dyn ArchiveIndex>();
    shared::<dyn ArchiveSource>();
    shared::<dyn ArchiveStore>();
    sent::<dyn ArchiveWriter>();
    shared::<dyn AuditLog>();
    shared::<dyn Authenticator>();
    shared::<dyn ChangeFeed>();
    shared::<dyn Clock>();
    shared::<dyn CommandHandler>();
    shared::<dyn Database>();
    shared::<dyn DownloadStore>();
    shared::<dyn JobHandler>();
    shared::<dyn JobQueue>();
    shared::<dyn PackageStore>();
    shared::<dyn PasswordHasher>();
    shared::<dyn PublishStore>();
    shared::<dyn QueryHandler>();
    shared::<dyn RateLimiter>();
    shared::<dyn ScopeStore>();
    shared::<dyn SessionSigner>();
    shared::<dyn SharedCache>();
    shared::<dyn TokenStore>();
    shared::<dyn UserStore>();
    shared::<dyn WebhookSender>();
}

#[test]
fn values_and_adapters_go_to_every_thread() {
    cloned::<AuditEntry>();
    cloned::<Manifest>();
    cloned::<Package>();
    cloned::<Principal>();
    cloned::<VersionDetail>();
    cloned::<Viewer>();
    cloned::<ArchiveLimits>();
    shared::<Error>();
    sent::<ArchiveContent>();
    shared::<Changes<'static>>();
    shared::<Decision<'static, ()>>();
    shared::<MemoryArchives>();
    shared::<MemoryLimiter>();
    shared::<MemoryMetadata>();
    shared::<MemorySessions>();
    shared::<CachedMetadata<MemoryMetadata>>();
    shared::<TieredArchives<MemoryArchives>>();
}
