//! What is read from a replica that may lag behind.

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use aam_registry_core::{
    ports::{Clock, DownloadStore, PackageStore, SystemClock},
    types::{DownloadBatch, DownloadCount, DownloadQuery, PageRequest, Reach, SearchQuery, SearchSort},
};
use jiff::civil::date;
use serde_json::json;

use super::{
    proxy::Proxy,
    world::{TestDatabase, actor, publish},
};

fn everything() -> SearchQuery {
    SearchQuery::everything(SearchSort::Name, PageRequest { page: 1, limit: 10 })
}

/// How many packages a search, the totals and the downloads of one know of.
async fn known(store: &PostgresMetadata) -> (u64, u64, u64) {
    let day = date(2025, 6, 1);
    let query = DownloadQuery { package: "kit".parse().expect("a name"), version: None, from: day, to: day };
    let downloads = store.downloads(&query).await.expect("read").values().sum();
    let found = store.search(&everything()).await.expect("search").total;
    (found, store.totals().await.expect("read").packages, downloads)
}

/// One package, downloaded once.
async fn fill(database: &TestDatabase) {
    let store = database.open().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "kit", "1.0.0", json!({})).await.expect("publish");
    let (package, version) = ("kit".parse().expect("a name"), "1.0.0".parse().expect("a version"));
    let count = DownloadCount { package, version, day: date(2025, 6, 1), count: 1 };
    store.add_downloads(&DownloadBatch::new(SystemClock.now(), vec![count])).await.expect("add");
}

#[tokio::test]
async fn searches_totals_and_statistics_are_read_from_the_replica_while_it_answers() {
    // A replica so far behind that nothing is there yet.
    let (primary, behind, proxy) = (TestDatabase::new().await, TestDatabase::new().await, Proxy::start().await);
    fill(&primary).await;
    let config = primary.config().with_replica(&proxy.url(&behind.url())).expect("a URL");
    let store = PostgresMetadata::open(config).await.expect("a database");
    assert_eq!(known(&store).await, (0, 0, 0));
    assert!(
        store.package(&"kit".parse().expect("a name"), Reach::Everything).await.expect("read").is_some(),
        "this one is not"
    );

    proxy.stop().await;
    assert_eq!(known(&store).await, (1, 1, 1), "the primary stands in");
}

#[tokio::test]
async fn a_replica_whose_schema_is_behind_or_that_never_was_there_is_not_read() {
    let (primary, behind) = (TestDatabase::new().await, TestDatabase::empty().await);
    fill(&primary).await;
    let nowhere = Proxy::start().await;
    let url = nowhere.url(&behind.url());
    nowhere.stop().await;
    for url in [behind.url(), url] {
        let config = primary.config().with_replica(&url).expect("a URL");
        let store = PostgresMetadata::open(config).await.expect("a database");
        assert_eq!(known(&store).await, (1, 1, 1));
    }
    assert!(PostgresConfig::new(&primary.url()).expect("a URL").with_replica("mysql://x").is_err());
}
