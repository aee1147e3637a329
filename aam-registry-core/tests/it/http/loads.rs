//! What an answer loads of a package.

use aam_registry_core::memory::MemoryMetadata;

use super::site::Site;
use crate::registry::{watched::Watched, world::World};

/// A site with the package `greet-kit`, and its watched store.
async fn watched() -> (Site, Watched) {
    let mut store = Watched::new(&MemoryMetadata::new());
    let world = World::with(|builder, database, _| {
        store = Watched::new(database);
        builder.packages(store.clone())
    });
    let site = Site::of(world);
    let token = site.user("ada").await;
    assert_eq!(site.publish(&token, "greet-kit", "1.0.0").await.status, 201);
    store.reads();
    (site, store)
}

/// The manifest and the dependencies of versions may be large: only answers that show them load them.
#[tokio::test]
async fn an_answer_loads_only_what_it_shows() {
    let (site, store) = watched().await;
    let package = "/api/v1/packages/greet-kit";
    for (path, status, reads) in [
        ("", 200, &["package"][..]),
        ("/versions", 200, &["version_list"]),
        ("/versions?before=1.0.0", 200, &["version_list"]),
        ("/versions?before=7.0.0", 404, &["version_numbers"]),
        ("/tags", 200, &["tags"]),
        ("/owners", 200, &["owners"]),
        ("/downloads", 200, &["tags"]),
        ("/downloads?version=1.0.0", 200, &[]),
        ("/downloads?version=7.0.0", 404, &["version_numbers"]),
        ("/resolve?spec=^1", 200, &["version_numbers", "located_version"]),
        ("/resolve?spec=latest", 200, &["tags", "located_version"]),
        ("/resolve?spec=^7", 404, &["version_numbers"]),
        ("/1.0.0", 200, &["version"]),
        ("/7.0.0", 404, &["version", "version_numbers"]),
        ("/1.0.0/readme", 200, &["readme"]),
        ("/1.0.0/files", 200, &["files"]),
        ("/1.0.0/files/aam.yaml", 200, &["files", "located_version"]),
        ("/diff?from=1.0.0&to=1.0.0", 200, &["located_version", "located_version"]),
        ("/1.0.0/download", 200, &[]),
    ] {
        let reply = site.get(&format!("{package}{path}")).await;
        assert_eq!((reply.status.as_u16(), store.reads()), (status, reads.to_vec()), "{path}: {reply:?}");
    }
    for path in ["/api/v1/packages?q=greet", "/api/v1/packages/nobody/tags", "/api/v1/packages/nobody/owners"] {
        site.get(path).await;
        assert_eq!(store.reads().len(), 1, "{path}");
    }
}
