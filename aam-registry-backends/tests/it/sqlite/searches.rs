use std::sync::OnceLock;

use aam_registry_backends::sqlite::SqliteMetadata;
use aam_registry_core::{
    ports::PackageStore,
    types::{ArtifactType, PackageSummary, Page, PageRequest, SearchQuery, SearchSort},
};
use proptest::prelude::*;
use serde_json::json;

use super::world::{actor, database, publish};

const ADJECTIVES: [&str; 10] =
    ["careful", "clever", "diligent", "eager", "gentle", "honest", "patient", "polite", "precise", "steady"];
const NOUNS: [&str; 10] = [
    "auditor",
    "builder",
    "courier",
    "drafter",
    "examiner",
    "forecaster",
    "gardener",
    "librarian",
    "mapper",
    "painter",
];

fn query(text: &str) -> SearchQuery {
    SearchQuery {
        text: Some(text.to_owned()),
        artifact_type: None,
        scope: None,
        keyword: None,
        sort: SearchSort::Relevance,
        page: PageRequest { page: 1, limit: 100 },
    }
}

async fn names(store: &SqliteMetadata, text: &str) -> Vec<String> {
    let page = store.search(&query(text)).await.expect("search");
    page.items.iter().map(|package| package.name.to_string()).collect()
}

/// 2,000 packages: every adjective with every noun, twenty times.
async fn crowded() -> (SqliteMetadata, tempfile::TempDir) {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    let packages = (0..2000).map(|at| {
        let (adjective, noun, series) = (ADJECTIVES[at % 10], NOUNS[at / 10 % 10], at / 100);
        let kind = if series % 2 == 0 { "skills" } else { "prompts" };
        let more = json!({
            "description": format!("A {adjective} {noun} for teams of {series}"),
            "keywords": [noun, format!("series{series}")],
            "artifacts": {kind: [{"name": format!("{noun}-helper"), "path": "main.md"}]},
        });
        let (store, owner) = (&store, &owner);
        async move {
            let name = format!("@owner/{adjective}-{noun}-{series}");
            publish(store, owner, &name, "1.0.0", more).await.expect("publish");
        }
    });
    futures_util::future::join_all(packages).await;
    (store, folder)
}

fn all_hold(page: &Page<PackageSummary>, word: &str) {
    for package in &page.items {
        assert!(package.name.as_str().contains(word) || package.description.contains(word), "{package:?}");
    }
}

#[tokio::test]
async fn many_packages_are_searched_by_word_prefix_filter_and_typo() {
    let (store, _folder) = crowded().await;
    let found = store.search(&query("clever auditor")).await.expect("search");
    assert_eq!((found.total, found.items.len()), (20, 20));
    all_hold(&found, "clever-auditor");

    let found = store.search(&query("aud")).await.expect("search");
    assert_eq!((found.total, found.items.len(), found.pages()), (200, 100, 2));
    all_hold(&found, "auditor");

    for typo in ["auditro", "audittor", "suditor", "auitor clever"] {
        let found = store.search(&query(typo)).await.expect("search");
        assert!(found.total > 0, "{typo} finds nothing");
        all_hold(&found, "auditor");
    }
    assert_eq!(store.search(&query("cleverr auditro")).await.expect("search").total, 0, "two typos");

    let filtered = SearchQuery { artifact_type: Some(ArtifactType::Prompt), ..query("clever auditor") };
    assert_eq!(store.search(&filtered).await.expect("search").total, 10);
    let filtered = SearchQuery { keyword: Some("series3".to_owned()), ..query("clever") };
    assert_eq!(store.search(&filtered).await.expect("search").total, 10);
    let filtered = SearchQuery { keyword: Some("series3".to_owned()), text: None, ..query("") };
    assert_eq!(store.search(&filtered).await.expect("search").total, 100);

    assert_eq!(names(&store, "steady-painter-7").await[0], "@owner/steady-painter-7");
    let everything = SearchQuery { text: None, page: PageRequest { page: 20, limit: 100 }, ..query("") };
    let last = store.search(&everything).await.expect("search");
    assert_eq!((last.total, last.items.len()), (2000, 100));
}

#[tokio::test]
async fn a_name_weighs_more_than_a_description() {
    let (store, _folder) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "apple", "1.0.0", json!({"description": "Grows beside every orchard"}))
        .await
        .expect("publish");
    publish(&store, &owner, "orchard-tools", "1.0.0", json!({"description": "Tools"})).await.expect("publish");
    publish(&store, &owner, "pear", "1.0.0", json!({"keywords": ["orchard"]})).await.expect("publish");
    assert_eq!(names(&store, "orchard").await, ["orchard-tools", "pear", "apple"]);
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
    let junk =
        prop_oneof![any::<String>(), "[a-zA-Z\"'*^:(){}+\\-ⓐİß一 ]{0,60}", "(AND |OR |NOT |NEAR\\(|name:|\"){1,6}"];
    proptest!(|(text in junk)| {
        runtime.block_on(store.search(&query(&text))).expect("search");
    });
}
