//! Every combination of cache tiers passes the conformance suite.

use aam_registry_core::{
    archive_source_conformance,
    decorate::{ArchiveCacheConfig, TieredArchives},
    memory::MemoryArchives,
    ports::ArchiveStore,
    testing::archive_source::Stored,
};

use super::store::RemoteStore;

fn tiered<S: ArchiveStore + Clone>(store: S, config: &ArchiveCacheConfig) -> Stored<S, TieredArchives<S>> {
    let source = TieredArchives::start(store.clone(), config).expect("started");
    Stored { store, source }
}

mod the_store_itself {
    use std::sync::Arc;

    use super::*;

    archive_source_conformance!(async {
        let store = MemoryArchives::new();
        let source: Arc<dyn ArchiveStore> = Arc::new(store.clone());
        (Stored { store, source }, ())
    });
}

mod memory_before_a_near_store {
    use super::*;

    archive_source_conformance!(async { (tiered(MemoryArchives::new(), &ArchiveCacheConfig::default()), ()) });
}

mod memory_before_a_remote_store {
    use super::*;

    archive_source_conformance!(async { (tiered(RemoteStore::default(), &ArchiveCacheConfig::default()), ()) });
}

mod no_memory_and_no_disk {
    use super::*;

    archive_source_conformance!(async {
        (tiered(RemoteStore::default(), &ArchiveCacheConfig::default().with_memory(0)), ())
    });
}

mod memory_and_disk {
    use super::*;

    archive_source_conformance!(async {
        let folder = tempfile::tempdir().expect("folder");
        let config = ArchiveCacheConfig::default().with_disk(folder.path(), 1 << 30);
        (tiered(RemoteStore::default(), &config), folder)
    });
}

mod disk_alone {
    use super::*;

    archive_source_conformance!(async {
        let folder = tempfile::tempdir().expect("folder");
        let config = ArchiveCacheConfig::default().with_memory(0).with_disk(folder.path(), 1 << 30);
        (tiered(RemoteStore::default(), &config), folder)
    });
}

mod a_disk_too_small_for_anything {
    use super::*;

    archive_source_conformance!(async {
        let folder = tempfile::tempdir().expect("folder");
        let config = ArchiveCacheConfig::default().with_memory(0).with_disk(folder.path(), 10);
        (tiered(RemoteStore::default(), &config), folder)
    });
}
