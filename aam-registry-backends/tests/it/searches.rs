//! The results of searches, on every database.

use aam_registry_core::{
    ports::Database,
    types::{ArtifactType, PackageSummary, Page, PageRequest, SearchQuery, SearchSort},
};
use futures_util::StreamExt;
use proptest::prelude::*;
use serde_json::json;

use crate::world::{actor, publish};

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
        ..SearchQuery::everything(SearchSort::Relevance, PageRequest { page: 1, limit: 100 })
    }
}

async fn names(store: &impl Database, text: &str) -> Vec<String> {
    let page = store.search(&query(text)).await.expect("search");
    page.items.iter().map(|package| package.name.to_string()).collect()
}

/// 2,000 packages: every adjective with every noun, twenty times.
async fn crowd(store: &impl Database) {
    let owner = actor(store, "owner").await;
    let packages = (0..2000).map(|at| {
        let (adjective, noun, series) = (ADJECTIVES[at % 10], NOUNS[at / 10 % 10], at / 100);
        let kind = if series % 2 == 0 { "skills" } else { "prompts" };
        let more = json!({
            "description": format!("A {adjective} {noun} for teams of {series}"),
            "keywords": [noun, format!("series{series}")],
            "artifacts": {kind: [{"name": format!("{noun}-helper"), "path": "main.md"}]},
        });
        let owner = &owner;
        async move {
            let name = format!("@owner/{adjective}-{noun}-{series}");
            publish(store, owner, &name, "1.0.0", more).await.expect("publish");
        }
    });
    // Enough at once, and not so many that they wait too long for one another.
    let packages: Vec<_> = packages.collect();
    futures_util::stream::iter(packages).buffer_unordered(64).collect::<()>().await;
}

fn all_hold(page: &Page<PackageSummary>, word: &str) {
    for package in &page.items {
        assert!(package.name.as_str().contains(word) || package.description.contains(word), "{package:?}");
    }
}

/// Words, prefixes, filters and typos find what they should among 2,000 packages.
pub(crate) async fn find_among_many(store: &impl Database) {
    crowd(store).await;
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

    assert_eq!(names(store, "steady-painter-7").await[0], "@owner/steady-painter-7");
    let everything = SearchQuery { text: None, page: PageRequest { page: 20, limit: 100 }, ..query("") };
    let last = store.search(&everything).await.expect("search");
    assert_eq!((last.total, last.items.len()), (2000, 100));
    rank_the_most_downloaded(store).await;
}

/// Of more than a thousand packages that match, the thousand most downloaded
/// come by rank and those behind them by downloads and name, whatever their
/// rank; but one of the very name comes first.
async fn rank_the_most_downloaded(store: &impl Database) {
    let owner = actor(store, "late").await;
    for name in ["teams", "zz-teams"] {
        publish(store, &owner, name, "1.0.0", json!({})).await.expect("publish");
    }
    let mut crowd: Vec<_> =
        (0..2000).map(|at| format!("@owner/{}-{}-{}", ADJECTIVES[at % 10], NOUNS[at / 10 % 10], at / 100)).collect();
    crowd.sort_unstable();
    let page = async |number: u64, sort| {
        let query = SearchQuery { sort, page: PageRequest { page: number, limit: 100 }, ..query("teams") };
        let page = store.search(&query).await.expect("search");
        assert_eq!(page.total, 2002);
        page.items.iter().map(|package| package.name.to_string()).collect::<Vec<_>>()
    };
    let mut ranked = Vec::new();
    for number in 1..=11 {
        ranked.extend(page(number, SearchSort::Relevance).await);
    }
    assert_eq!(ranked[0], "teams", "the very name");
    ranked[1..=1000].sort_unstable();
    assert_eq!(ranked[1..], crowd[..1099]);
    assert_eq!(page(12, SearchSort::Relevance).await, crowd[1099..1199]);
    assert_eq!(page(21, SearchSort::Relevance).await, [crowd[1999].as_str(), "zz-teams"]);
    for sort in [SearchSort::Name, SearchSort::Downloads] {
        assert_eq!(page(3, sort).await, crowd[200..300]);
        assert_eq!(page(21, sort).await, ["teams", "zz-teams"]);
    }
}

/// The order of fields a word is found in: name, keywords, description.
pub(crate) async fn rank_by_field(store: &impl Database) {
    let owner = actor(store, "owner").await;
    publish(store, &owner, "apple", "1.0.0", json!({"description": "Grows beside every orchard"}))
        .await
        .expect("publish");
    publish(store, &owner, "orchard-tools", "1.0.0", json!({"description": "Tools"})).await.expect("publish");
    publish(store, &owner, "pear", "1.0.0", json!({"keywords": ["orchard"]})).await.expect("publish");
    assert_eq!(names(store, "orchard").await, ["orchard-tools", "pear", "apple"]);
}

/// No text that a user may type makes `search` fail.
pub(crate) fn take_any_text(search: impl Fn(SearchQuery)) {
    let junk =
        prop_oneof![any::<String>(), "[a-zA-Z\"'*^:(){}+\\-ⓐİß一 ]{0,60}", "(AND |OR |NOT |NEAR\\(|name:|\"){1,6}"];
    proptest!(|(text in junk)| {
        search(query(&text));
    });
}

/// Finds what was listed before searches ran in memory, by all that it was found by: `a-kit` and `@team/b-kit`, of
/// three packages.
pub(crate) async fn find_what_was_listed_before(store: &impl Database) {
    for (text, found) in [
        ("a-kit", &["a-kit"] as &[&str]),
        ("welcome", &["a-kit"]),
        ("waver helper", &["a-kit"]),
        ("everybody", &["a-kit"]),
        ("Zoë", &["a-kit"]),
        ("everybdy", &["a-kit"]),
        ("@team/b-kit", &["@team/b-kit"]),
        ("parting", &["@team/b-kit"]),
        ("goodbye", &["@team/b-kit"]),
        ("kit", &["a-kit", "@team/b-kit"]),
        ("c-kit", &[]),
    ] {
        assert_eq!(names(store, text).await, found, "{text:?}");
    }
    let of = |keyword: Option<&str>, artifact_type| SearchQuery {
        text: None,
        artifact_type,
        keyword: keyword.map(str::to_owned),
        sort: SearchSort::Name,
        ..query("")
    };
    for (query, found) in [
        (of(None, None), &["@team/b-kit", "a-kit"] as &[&str]),
        (of(Some("hello"), None), &["a-kit"]),
        (of(None, Some(ArtifactType::ALL[1])), &["@team/b-kit"]),
    ] {
        let page = store.search(&query).await.expect("search");
        let names: Vec<_> = page.items.iter().map(|package| package.name.as_str()).collect();
        assert_eq!((names.as_slice(), page.total), (found, found.len() as u64), "{query:?}");
    }
}
