//! What hosts rely on without naming it: which types can be shared between threads, cloned and printed.
//! A type that loses one of these does not compile here.

use std::{fmt::Debug, fs, path::Path, sync::Arc};

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
        Authenticator, Cdn, ChangeFeed, Clock, CommandHandler, Database, DownloadStore, IdTokenVerifier, JobHandler,
        JobQueue, Mailer, PackageStore, PasswordHasher, PublishStore, QueryHandler, RateLimiter, ScannerSignatures,
        ScopeStore, SecretSealer, SessionSigner, SessionStore, SharedCache, TokenStore, UserStore, WebhookSender,
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

/// Tests that each of the ports can be shared between threads as an object, and that `Arc<dyn Port>` is one of its
/// implementations.
macro_rules! shared_ports {
    ($($port:ident)+) => {
        const SHARED_PORTS: &[&str] = &[$(stringify!($port)),+];

        #[test]
        fn every_port_is_shared_as_an_object() {
            $({
                fn implemented<P: $port>() {}
                shared::<dyn $port>();
                implemented::<Arc<dyn $port>>();
            })+
            // One caller at a time writes to it.
            sent::<dyn ArchiveWriter>();
        }
    };
}

shared_ports! {
    AccountStore ArchiveIndex ArchiveSource ArchiveStore AuditLog Authenticator Cdn ChangeFeed Clock CommandHandler Database
    DownloadStore IdTokenVerifier JobHandler JobQueue Mailer PackageStore PasswordHasher PublishStore QueryHandler
    RateLimiter ScannerSignatures ScopeStore SecretSealer SessionSigner SessionStore SharedCache TokenStore UserStore WebhookSender
}

#[test]
fn no_port_is_missing_in_the_list_of_shared_ports() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ports");
    let mut declared = Vec::new();
    for entry in fs::read_dir(folder).expect("the ports") {
        let source = fs::read_to_string(entry.expect("an entry").path()).expect("a file of the source");
        let traits = source.lines().filter_map(|line| line.strip_prefix("pub trait ")?.split_once(':'));
        // What can be shared has these bounds; `Database` has them from the ports that it consists of.
        let shared = traits.filter(|(name, bounds)| bounds.starts_with(" Debug + Send + Sync") || *name == "Database");
        declared.extend(shared.map(|(name, _)| name.to_owned()));
    }
    declared.sort();
    assert_eq!(declared, SHARED_PORTS);
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
