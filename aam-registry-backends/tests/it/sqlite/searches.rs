use std::sync::OnceLock;

use aam_registry_backends::sqlite::SqliteMetadata;
use aam_registry_core::{
    ports::PackageStore,
    types::{PageRequest, SearchQuery, SearchSort},
};
use rusqlite::Connection;
use serde_json::json;

use super::world::{actor, config, database, open, publish};
use crate::searches;

#[tokio::test]
async fn many_packages_are_searched_by_word_prefix_filter_and_typo() {
    let (store, _folder) = database().await;
    searches::find_among_many(&store).await;
}

#[tokio::test]
async fn a_name_weighs_more_than_a_description() {
    let (store, _folder) = database().await;
    searches::rank_by_field(&store).await;
}

#[test]
fn no_text_is_an_error() {
    static STORE: OnceLock<(tokio::runtime::Runtime, SqliteMetadata, tempfile::TempDir)> = OnceLock::new();
    let (runtime, store, _) = STORE.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (store, folder) = runtime.block_on(async {
            let (store, folder) = database().await;
            let owner = actor(&store, "owner").await;
            publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
            (store, folder)
        });
        (runtime, store, folder)
    });
    searches::take_any_text(|query| {
        runtime.block_on(store.search(&query)).expect("search");
    });
}

async fn by_name(store: &SqliteMetadata) -> Vec<String> {
    let query = SearchQuery::everything(SearchSort::Name, PageRequest { page: 1, limit: 10 });
    let page = store.search(&query).await.expect("search");
    assert_eq!(page.total, page.items.len() as u64);
    page.items.iter().map(|package| package.name.to_string()).collect()
}

#[tokio::test]
async fn what_cannot_be_read_keeps_nobody_from_finding_the_rest() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    for name in ["a-kit", "b-kit", "c-kit"] {
        publish(&store, &owner, name, "1.0.0", json!({})).await.expect("publish");
    }
    assert_eq!(by_name(&store).await, ["a-kit", "b-kit", "c-kit"]);
    let connection = Connection::open(config(folder.path()).path()).expect("open");
    for (column, name) in [("keywords", "b-kit"), ("latest_version", "c-kit")] {
        let broken = format!(
            "UPDATE listings SET {column} = 'broken', change = (SELECT max(change) + 1 FROM listings)
             WHERE name = '{name}'"
        );
        assert_eq!(connection.execute(&broken, []).expect("update"), 1);
    }
    for store in [&store, &open(folder.path()).await] {
        assert_eq!(by_name(store).await, ["a-kit"]);
    }
    publish(&store, &owner, "b-kit", "1.0.1", json!({})).await.expect("publish");
    assert_eq!(by_name(&store).await, ["a-kit", "b-kit"]);
}
