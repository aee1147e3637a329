//! What a CDN in front of the registry is told.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aam_registry_core::{
    Result,
    ports::{Cdn, JobFailure},
    types::{ModerationCategory, Principal, Sha256Digest},
};
use async_trait::async_trait;
use jiff::Timestamp;

use super::world::{World, archive, name, version};

/// A CDN that fails as often as it is told, and notes what it purges.
#[derive(Debug, Default)]
struct Told {
    purged: Mutex<Vec<String>>,
    failures: Mutex<u32>,
}

impl Told {
    fn purged(&self) -> Vec<String> {
        self.purged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Cdn for Told {
    fn most_urls(&self) -> usize {
        3
    }

    async fn purge(&self, urls: &[String], _: &str) -> std::result::Result<(), JobFailure> {
        assert!(urls.len() <= self.most_urls(), "{urls:?}");
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if *failures > 0 {
            *failures -= 1;
            return Err(JobFailure::new("the CDN is away").not_before(Duration::ZERO));
        }
        self.purged.lock().unwrap_or_else(PoisonError::into_inner).extend(urls.to_vec());
        Ok(())
    }

    fn sign(&self, _: &str, _: Timestamp, _: Duration) -> Result<Option<String>> {
        Ok(None)
    }
}

/// A world with a CDN, and `greet-kit` 1.0.0 and 1.1.0 by the moderator ada.
async fn world() -> (World, Arc<Told>, Principal) {
    let cdn = Arc::new(Told::default());
    let world = World::with(|builder, _, _| builder.cdn(Arc::clone(&cdn), "https://cdn.example.com/"));
    let ada = world.admin("ada").await;
    for number in ["1.0.0", "1.1.0"] {
        world.published(&ada, "greet-kit", number).await;
    }
    (world, cdn, ada)
}

/// Works until the CDN has been told something.
async fn settle(world: &World, cdn: &Told) {
    let told = async {
        while cdn.purged().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    world.registry.run_background(told).await;
}

fn archive_url(number: &str) -> String {
    let sha256 = Sha256Digest::of(&archive("greet-kit", number));
    format!("https://cdn.example.com/api/v1/packages/greet-kit/{number}/download/{sha256}")
}

#[tokio::test]
async fn a_quarantine_purges_the_archive_and_a_yank_the_documents() {
    let (world, cdn, ada) = world().await;
    let (kit, number) = (name("greet-kit"), version("1.0.0"));
    let registry = &world.registry;
    registry.quarantine(&ada, &kit, &number, ModerationCategory::Malware, "it phones home").await.expect("quarantined");
    settle(&world, &cdn).await;
    let purged = cdn.purged();
    assert!(purged.contains(&archive_url("1.0.0")) && !purged.contains(&archive_url("1.1.0")), "{purged:?}");
    assert!(purged.contains(&"https://cdn.example.com/api/v1/packages/greet-kit/1.0.0".to_owned()), "{purged:?}");

    let (world, cdn, ada) = self::world().await;
    world.registry.yank(&ada, &kit, &number, None).await.expect("yanked");
    settle(&world, &cdn).await;
    let purged = cdn.purged();
    assert!(purged.contains(&"https://cdn.example.com/api/v1/packages/greet-kit".to_owned()), "{purged:?}");
    assert!(!purged.contains(&archive_url("1.0.0")), "{purged:?}");
}

#[tokio::test]
async fn a_purge_that_fails_is_tried_again() {
    let (world, cdn, ada) = world().await;
    *cdn.failures.lock().unwrap_or_else(PoisonError::into_inner) = 1;
    let (kit, number) = (name("greet-kit"), version("1.0.0"));
    let registry = &world.registry;
    registry.quarantine(&ada, &kit, &number, ModerationCategory::Malware, "it phones home").await.expect("quarantined");
    let failed = async {
        while *cdn.failures.lock().unwrap_or_else(PoisonError::into_inner) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    world.registry.run_background(failed).await;
    assert!(cdn.purged().is_empty());
    // The registry itself answers as the moderator decided, whatever the CDN does.
    assert!(world.view().version(&kit, &number).await.is_err());
    world.clock.advance(Duration::from_mins(1));
    settle(&world, &cdn).await;
    assert!(cdn.purged().contains(&archive_url("1.0.0")));
}
