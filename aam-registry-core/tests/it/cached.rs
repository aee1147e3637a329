//! A cached database keeps the guarantees of every database, and returns no stale data.

use std::time::Duration;

use aam_registry_core::{
    Result, database_conformance,
    decide::Audience,
    decorate::CachedMetadata,
    memory::MemoryMetadata,
    ports::{ArchiveIndex, ChangeEvent, ChangeFeed, PackageStore},
    types::{Change, Principal, Reach, VersionText, Viewer},
};
use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use tokio::{sync::broadcast, time::Instant};

use crate::registry::world::{World, name, version};

database_conformance!(async { (CachedMetadata::builder(MemoryMetadata::new()).start(), ()) });

/// A feed whose events a test sends; `None` ends it.
#[derive(Clone, Debug)]
struct Told(broadcast::Sender<Option<ChangeEvent>>);

#[async_trait]
impl ChangeFeed for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn subscribe(&self) -> BoxStream<'static, ChangeEvent> {
        let events = futures_util::stream::unfold(self.0.subscribe(), async |mut told| {
            let event = told.recv().await.ok()??;
            Some((event, told))
        });
        futures_util::stream::once(async { ChangeEvent::Linked }).chain(events).boxed()
    }

    async fn announce(&self, change: &Change) -> Result<()> {
        let _ = self.0.send(Some(ChangeEvent::Changed(change.clone())));
        Ok(())
    }
}

/// A replica with a cache, and the uncached database, through which a test makes changes that the cache
/// does not see.
struct Beside {
    world: World,
    ada: Principal,
    cached: CachedMetadata<MemoryMetadata>,
    told: Told,
}

impl Beside {
    async fn new() -> Self {
        let (world, told) = (World::new(), Told(broadcast::channel(64).0));
        let ada = world.user("ada").await;
        world.published(&ada, "greet-kit", "1.0.0").await;
        let cached = CachedMetadata::builder(world.database.clone()).changes(told.clone()).start();
        let beside = Self { world, ada, cached, told };
        beside.keeps("linked").await;
        beside
    }

    /// Changes the package without the cache.
    async fn deprecate(&self, message: &str) {
        let (package, version) = (name("greet-kit"), version("1.0.0"));
        self.world
            .registry
            .change_text(&self.ada, &package, &version, VersionText::Deprecation, Some(message.to_owned()))
            .await
            .expect("deprecated");
    }

    /// The deprecation message that the cached replica returns, from each read that has it.
    async fn says(&self) -> [Option<String>; 3] {
        let package = name("greet-kit");
        let detail =
            self.cached.version(&package, &version("1.0.0"), Reach::Public).await.expect("read").expect("a version");
        let list = self.cached.versions(&package, Reach::Public).await.expect("read").expect("a package");
        let whole = self.cached.package(&package, Reach::Public).await.expect("read").expect("a package");
        [&detail.summary, &list[0], &whole.versions[0]]
            .map(|summary| summary.texts.get(VersionText::Deprecation).map(str::to_owned))
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let until = Instant::now() + Duration::from_secs(20);
        while !holds().await {
            assert!(Instant::now() < until, "{what}: never");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn shows(&self, message: &str) {
        self.until(message, async || self.says().await.iter().all(|says| says.as_deref() == Some(message))).await;
    }

    /// Waits until reads are cached; a change that the cache does not see shows that.
    async fn keeps(&self, message: &str) {
        self.until("kept", async || {
            let before = self.says().await;
            self.deprecate(&format!("{message} {:?}", Instant::now())).await;
            self.says().await == before
        })
        .await;
    }

    fn tell(&self, event: ChangeEvent) {
        self.told.0.send(Some(event)).expect("somebody listens");
    }
}

#[tokio::test]
async fn what_another_replica_changed_is_seen_when_it_is_told() {
    for change in [Change::Package(name("greet-kit")), Change::Everything] {
        let beside = Beside::new().await;
        beside.deprecate("use another").await;
        assert!(beside.says().await.iter().all(|says| says.as_deref() != Some("use another")), "it is kept");
        beside.tell(ChangeEvent::Changed(Change::Package(name("other-kit"))));
        beside.tell(ChangeEvent::Changed(change));
        beside.shows("use another").await;
        beside.keeps("again").await;
    }
}

#[tokio::test]
async fn while_a_feed_is_broken_nothing_is_kept_that_may_change() {
    let beside = Beside::new().await;
    beside.tell(ChangeEvent::Lost);
    beside.deprecate("unheard").await;
    beside.shows("unheard").await;
    for message in ["one", "two"] {
        beside.deprecate(message).await;
        assert!(beside.says().await.iter().all(|says| says.as_deref() == Some(message)), "{message}");
    }
    beside.tell(ChangeEvent::Linked);
    beside.keeps("linked again").await;
}

#[tokio::test]
async fn a_feed_that_ended_is_a_broken_one() {
    let beside = Beside::new().await;
    beside.told.0.send(None).expect("somebody listens");
    beside.deprecate("unheard").await;
    beside.shows("unheard").await;
    beside.deprecate("once more").await;
    assert!(beside.says().await.iter().all(|says| says.as_deref() == Some("once more")));
}

#[tokio::test]
async fn what_is_not_there_is_not_kept() {
    let beside = Beside::new().await;
    let (kit, later) = (name("later-kit"), version("1.0.0"));
    assert_eq!(beside.cached.package(&kit, Reach::Public).await.expect("read"), None);
    assert_eq!(beside.cached.version(&kit, &later, Reach::Public).await.expect("read"), None);
    assert_eq!(beside.cached.archive_location(&kit, &later, Audience::Everyone).await.expect("read"), None);
    beside.world.published(&beside.ada, "later-kit", "1.0.0").await;
    assert!(beside.cached.package(&kit, Reach::Public).await.expect("read").is_some());
    assert!(beside.cached.version(&kit, &later, Reach::Public).await.expect("read").is_some());
    assert!(beside.cached.archive_location(&kit, &later, Audience::Everyone).await.expect("read").is_some());
}

#[tokio::test]
async fn a_change_of_a_scope_is_one_of_its_packages() {
    let beside = Beside::new().await;
    let kit = name("@ada/kit");
    beside.world.published(&beside.ada, "@ada/kit", "1.0.0").await;
    beside.world.user("bob").await;
    let owners =
        async || beside.cached.package(&kit, Reach::Public).await.expect("read").expect("a package").owners.len();
    assert_eq!(owners().await, 1);
    let registry = &beside.world.registry;
    let (scope, bob) = ("ada".parse().expect("a scope"), "bob".parse().expect("a user"));
    let role = aam_registry_core::types::ScopeRole::Owner;
    registry.set_member(&beside.ada, &scope, &bob, role).await.expect("set");
    assert_eq!(owners().await, 1, "kept");
    beside.tell(ChangeEvent::Changed(Change::Scope(scope)));
    beside.until("two owners", async || owners().await == 2).await;
}

/// After a change has returned, no read returns the state before it, whatever was read meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_from_before_a_change_is_not_kept_after_it() {
    let told = Told(broadcast::channel(64).0);
    let world = World::with(|builder, database, _| {
        builder.database(CachedMetadata::builder(database.clone()).changes(told.clone()).start())
    });
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let (package, one) = (name("greet-kit"), version("1.0.0"));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (registry, package) = (world.registry.clone(), package.clone());
            tokio::spawn(async move {
                loop {
                    let view = registry.view(&Viewer::Anonymous).expect("everybody may read");
                    view.package(&package).await.expect("read");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 0..2_000 {
        let message = format!("round {round}");
        world
            .registry
            .change_text(&ada, &package, &one, VersionText::Deprecation, Some(message.clone()))
            .await
            .expect("deprecated");
        let read = world.view().package(&package).await.expect("read");
        assert_eq!(read.versions[0].texts.get(VersionText::Deprecation), Some(message.as_str()));
        tokio::task::yield_now().await;
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}
