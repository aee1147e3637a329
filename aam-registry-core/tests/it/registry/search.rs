use aam_registry_core::types::{PageRequest, SearchQuery, SearchSort};

use super::world::World;

fn typed(text: &str) -> SearchQuery {
    SearchQuery {
        text: Some(text.to_owned()),
        ..SearchQuery::everything(SearchSort::Relevance, PageRequest { page: 1, limit: 20 })
    }
}

#[tokio::test]
async fn a_scope_and_a_star_list_the_scope_and_nothing_else() {
    let world = World::new();
    let ada = world.user("ada").await;
    for name in ["@ada/greeter", "@ada/auditor", "ada-tools"] {
        world.published(&ada, name, "1.0.0").await;
    }
    let found = async |query: &SearchQuery| {
        let page = world.view().search(query).await.expect("search");
        assert_eq!(page.total, page.items.len() as u64);
        page.items.into_iter().map(|package| package.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(&typed("@ada/*")).await, ["@ada/auditor", "@ada/greeter"]);
    assert_eq!(found(&typed("ada")).await.len(), 3, "a word is looked for everywhere");
    assert!(found(&typed("@nobody/*")).await.is_empty());
    let elsewhere = SearchQuery { scope: Some("eve".parse().expect("scope")), ..typed("@ada/*") };
    assert!(found(&elsewhere).await.is_empty());
}
