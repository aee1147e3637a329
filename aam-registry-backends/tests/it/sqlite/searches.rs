use std::sync::OnceLock;

use aam_registry_backends::sqlite::SqliteMetadata;
use aam_registry_core::ports::PackageStore;
use serde_json::json;

use super::world::{actor, database, publish};
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
