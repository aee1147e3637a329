use std::sync::OnceLock;

use aam_registry_backends::postgres::PostgresMetadata;
use aam_registry_core::ports::PackageStore;
use serde_json::json;

use super::world::{TestDatabase, actor, database, publish};
use crate::searches;

#[tokio::test]
async fn many_packages_are_searched_by_word_prefix_filter_and_typo() {
    let (store, _database) = database().await;
    searches::find_among_many(&store).await;
}

#[tokio::test]
async fn a_name_weighs_more_than_a_description() {
    let (store, _database) = database().await;
    searches::rank_by_field(&store).await;
}

#[test]
fn no_text_is_an_error() {
    static STORE: OnceLock<(tokio::runtime::Runtime, PostgresMetadata)> = OnceLock::new();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let database = runtime.block_on(TestDatabase::new());
    let (runtime, store) = STORE.get_or_init(|| {
        let store = runtime.block_on(async {
            let store = database.open().await;
            let owner = actor(&store, "owner").await;
            publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
            store
        });
        (runtime, store)
    });
    searches::take_any_text(|query| {
        runtime.block_on(store.search(&query)).expect("search");
    });
}
