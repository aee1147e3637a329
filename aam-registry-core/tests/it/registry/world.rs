//! A registry with in-memory ports and a clock that tests set.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aam_registry_core::{
    Result,
    memory::{
        InsecureIdTokens, InsecurePasswords, InsecureSecrets, MemoryArchives, MemoryLimiter, MemoryMetadata,
        MemorySessions,
    },
    ports::{ArchiveStore, AuditLog, Clock, WebhookAnswer, WebhookMessage, WebhookSender},
    registry::{
        NewAccount, Policy, PublishOptions, PublishReceipt, Registration, Registry, RegistryBuilder, TokenRequest, View,
    },
    types::{AccountRoles, AuditFilter, Issuer, PackageName, PageRequest, Principal, Version, Viewer, WebhookUrl},
};
use async_trait::async_trait;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

pub(crate) const PASSWORD: &str = "tulip-Wagon-93-kelp";

#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn new() -> Self {
        let start: Timestamp = "2026-01-31T23:00:00Z".parse().expect("time");
        Self(Arc::new(AtomicI64::new(start.as_microsecond())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).expect("short"), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).expect("in range")
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// The audience of ID tokens.
pub(crate) const AUDIENCE: &str = "https://registry.example.com";

fn issuers() -> [Issuer; 3] {
    [Issuer::GITHUB, Issuer::GITLAB, "https://ci.example.com"].map(|text| Issuer::parse(text).expect("an issuer"))
}

/// Receivers of webhooks that take everything.
#[derive(Debug)]
struct Receivers;

#[async_trait]
impl WebhookSender for Receivers {
    fn refusal(&self, _: &WebhookUrl) -> Option<String> {
        None
    }

    async fn send(&self, _: &WebhookMessage<'_>) -> std::result::Result<WebhookAnswer, String> {
        Ok(WebhookAnswer { status: 204, retry_after: None })
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) database: MemoryMetadata,
    pub(crate) archives: MemoryArchives,
    pub(crate) clock: TestClock,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|builder, _, _| builder)
    }

    pub(crate) fn with_policy(policy: Policy) -> Self {
        Self::with(|builder, _, _| builder.policy(policy))
    }

    /// A world whose builder is passed through `change` before it is built.
    pub(crate) fn with(
        change: impl FnOnce(RegistryBuilder, &MemoryMetadata, &MemoryArchives) -> RegistryBuilder,
    ) -> Self {
        let clock = TestClock::new();
        let (database, archives) = (MemoryMetadata::new().with_clock(clock.clone()), MemoryArchives::new());
        let builder = Registry::builder()
            .database(database.clone())
            .archives(archives.clone())
            .rate_limiter(MemoryLimiter::unlimited())
            .passwords(InsecurePasswords)
            .sessions(MemorySessions::new())
            .secrets(InsecureSecrets)
            .id_tokens(InsecureIdTokens::new(issuers(), AUDIENCE))
            .webhook_delivery(Receivers, [])
            .clock(clock.clone());
        let registry = change(builder, &database, &archives).build().expect("every port");
        Self { registry, database, archives, clock }
    }

    /// The registry as anybody sees it.
    pub(crate) fn view(&self) -> View<'_> {
        self.registry.view(&Viewer::Anonymous).expect("everybody may read")
    }

    /// A new user's session.
    pub(crate) async fn user(&self, name: &str) -> Principal {
        self.register(name).await;
        self.login(name).await
    }

    /// Makes an account, which can be used at once also where the registry sends mail.
    pub(crate) async fn register(&self, name: &str) {
        let Registration { username, email, password } = registration(name);
        if !self.registry.verifies_registrations() {
            self.registry.register(registration(name)).await.expect("registered");
            return;
        }
        let account = NewAccount { username, email, password: Some(password), roles: AccountRoles::NONE };
        self.registry.create_user(account, "tests").await.expect("made");
    }

    pub(crate) async fn admin(&self, name: &str) -> Principal {
        self.registry.create_admin(registration(name)).await.expect("created");
        self.login(name).await
    }

    async fn login(&self, name: &str) -> Principal {
        let session = self.registry.login(name, PASSWORD.into()).await.expect("logged in");
        self.registry.authenticate(&session.access_token).await.expect("authenticated")
    }

    /// What is in the audit log, newest first.
    pub(crate) async fn audit_events(&self) -> Vec<String> {
        let page = PageRequest { page: 1, limit: 200 };
        let all = AuditFilter { package: None, event: None, actor: None, from: None, to: None, page };
        let entries = self.database.entries(&all).await.expect("read").items;
        entries.into_iter().map(|one| one.entry.event.as_str().to_owned()).collect()
    }

    /// A principal with an API token that has these scopes and packages.
    pub(crate) async fn token(&self, by: &Principal, scopes: &[&str], packages: &[&str]) -> Principal {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let request =
            TokenRequest { name: "test".into(), scopes: owned(scopes), packages: owned(packages), expires_at: None };
        let (_, secret) = self.registry.create_token(by, request).await.expect("created");
        self.registry.authenticate(secret.expose()).await.expect("authenticated")
    }

    pub(crate) async fn publish(&self, by: &Principal, archive: Vec<u8>) -> Result<PublishReceipt> {
        self.publish_with(by, archive, PublishOptions::default()).await
    }

    /// Publishes in small chunks, as they arrive from a network.
    pub(crate) async fn publish_with(
        &self,
        by: &Principal,
        archive: Vec<u8>,
        options: PublishOptions,
    ) -> Result<PublishReceipt> {
        let mut publish = self.registry.begin_publish(by, None).await?;
        for chunk in archive.chunks(50) {
            publish.write(Bytes::copy_from_slice(chunk)).await?;
        }
        publish.finish(options).await
    }

    /// Publishes a valid archive.
    pub(crate) async fn published(&self, by: &Principal, name: &str, version: &str) -> PublishReceipt {
        self.publish(by, archive(name, version)).await.expect("published")
    }

    /// How many archives are stored, whether or not a version refers to them.
    pub(crate) async fn stored_archives(&self) -> usize {
        self.archives.list(None, 1_000).await.expect("listed").len()
    }
}

pub(crate) fn registration(name: &str) -> Registration {
    Registration { username: name.into(), email: format!("{name}@example.com"), password: PASSWORD.into() }
}

pub(crate) fn name(text: &str) -> PackageName {
    text.parse().expect("name")
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().expect("version")
}

pub(crate) fn archive(name: &str, version: &str) -> Vec<u8> {
    archive_with(name, version, "")
}

/// An archive whose manifest has the lines `more`.
pub(crate) fn archive_with(name: &str, version: &str, more: &str) -> Vec<u8> {
    let manifest = format!(
        "name: \"{name}\"\nversion: \"{version}\"\ndescription: For tests\nartifacts:\n  skills:\n    - name: one\n      \
         path: skills/one\n      description: The one\n{more}"
    );
    let skill = format!("---\nname: one\ndescription: The one\n---\nVersion {version}\n");
    tar_gz(&[("aam.yaml", manifest.as_bytes()), ("skills/one/SKILL.md", skill.as_bytes()), ("README.md", b"# Hello\n")])
}

pub(crate) fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, contents) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, path, *contents).expect("appended");
    }
    tar.into_inner().and_then(GzEncoder::finish).expect("packed")
}

/// Bytes that do not compress.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(len)
    .collect()
}
