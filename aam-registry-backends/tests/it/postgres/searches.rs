use std::{sync::OnceLock, time::Duration};

use aam_registry_backends::postgres::PostgresMetadata;
use aam_registry_core::{
    ports::PackageStore,
    types::{PageRequest, SearchQuery, SearchSort, Sight},
};
use serde_json::json;

use super::world::{TestDatabase, actor, connect, database, end_connections, publish, server_url};
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

async fn by_downloads(store: &PostgresMetadata) -> Vec<String> {
    let query = SearchQuery {
        text: None,
        artifact_type: None,
        scope: None,
        keyword: None,
        sort: SearchSort::Downloads,
        page: PageRequest { page: 1, limit: 10 },
        sight: Sight::default(),
    };
    let page = store.search(&query).await.expect("search");
    assert_eq!(page.total, page.items.len() as u64);
    page.items.iter().map(|package| package.name.to_string()).collect()
}

#[tokio::test]
async fn what_began_before_others_and_commits_after_them_is_found() {
    let (store, database) = database().await;
    let (owner, elsewhere) = (actor(&store, "owner").await, database.open().await);
    for name in ["a-kit", "b-kit"] {
        publish(&store, &owner, name, "1.0.0", json!({})).await.expect("publish");
    }
    assert_eq!(by_downloads(&store).await, ["a-kit", "b-kit"]);
    let admin = database.client().await;
    let download = "BEGIN; UPDATE listings SET downloads = 9, revision = revision + 1,
        changed_by = pg_current_xact_id()::text::bigint WHERE name = 'b-kit'";
    admin.batch_execute(download).await.expect("a change under way");
    publish(&elsewhere, &owner, "c-kit", "1.0.0", json!({})).await.expect("publish");
    for _ in 0..2 {
        assert_eq!(by_downloads(&store).await, ["a-kit", "b-kit", "c-kit"]);
    }
    admin.batch_execute("COMMIT").await.expect("commit");
    assert_eq!(by_downloads(&store).await, ["b-kit", "a-kit", "c-kit"]);
    assert_eq!(by_downloads(&elsewhere).await, ["b-kit", "a-kit", "c-kit"]);
}

#[tokio::test]
async fn what_was_seen_is_not_read_again_while_a_transaction_stays_open() {
    let (store, database) = database().await;
    let owner = actor(&store, "owner").await;
    let open = database.client().await;
    open.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.expect("a transaction");
    for name in ["a-kit", "b-kit"] {
        publish(&store, &owner, name, "1.0.0", json!({})).await.expect("publish");
        assert!(by_downloads(&store).await.contains(&name.to_owned()));
    }
    // This change is not recorded as one: a search that reads the row again shows it.
    let change = "UPDATE listings SET downloads = 9, revision = revision + 1 WHERE name = 'b-kit'";
    database.client().await.batch_execute(change).await.expect("update");
    assert_eq!(by_downloads(&store).await, ["a-kit", "b-kit"]);
}

#[tokio::test]
async fn what_was_restored_from_another_server_is_found_and_what_changes_afterwards() {
    let (store, database) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "a-kit", "1.0.0", json!({})).await.expect("publish");
    // The transaction numbers of a server that has been in use for long.
    database.client().await.batch_execute("UPDATE listings SET changed_by = 1000000000").await.expect("update");
    for store in [&store, &database.open().await] {
        assert_eq!(by_downloads(store).await, ["a-kit"]);
    }
    publish(&store, &owner, "b-kit", "1.0.0", json!({})).await.expect("publish");
    assert_eq!(by_downloads(&store).await, ["a-kit", "b-kit"]);
}

#[tokio::test]
async fn a_database_that_took_the_place_of_another_is_searched_and_not_that_one() {
    let ((store, database), (elsewhere, restored)) = (database().await, database().await);
    for (store, name) in [(&store, "a-kit"), (&elsewhere, "b-kit")] {
        let owner = actor(store, "owner").await;
        publish(store, &owner, name, "1.0.0", json!({})).await.expect("publish");
        assert_eq!(by_downloads(store).await, [name]);
    }
    drop(elsewhere);
    let admin = connect(server_url()).await;
    let (name, other, aside) = (database.name(), restored.name(), format!("{}_aside", database.name()));
    for (from, to) in [(name, aside.as_str()), (other, name), (&aside, other)] {
        end_connections(&admin, from).await;
        admin.batch_execute(&format!("ALTER DATABASE {from} RENAME TO {to}")).await.expect("rename");
    }
    assert_eq!(by_downloads(&store).await, ["b-kit"]);
}

#[tokio::test]
async fn what_was_taken_away_with_all_rows_is_not_found() {
    let (store, database) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "a-kit", "1.0.0", json!({})).await.expect("publish");
    assert_eq!(by_downloads(&store).await, ["a-kit"]);
    database.client().await.batch_execute("TRUNCATE listings").await.expect("truncate");
    assert!(by_downloads(&store).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_keeps_nobody_from_finding_the_rest() {
    let (store, database) = database().await;
    let owner = actor(&store, "owner").await;
    for name in ["a-kit", "b-kit", "c-kit"] {
        publish(&store, &owner, name, "1.0.0", json!({})).await.expect("publish");
    }
    assert_eq!(by_downloads(&store).await, ["a-kit", "b-kit", "c-kit"]);
    let broken = "UPDATE listings SET keywords = CASE name WHEN 'b-kit' THEN 'no list' ELSE keywords END,
        latest_version = CASE name WHEN 'c-kit' THEN 'no version' ELSE latest_version END,
        revision = revision + 1, changed_by = pg_current_xact_id()::text::bigint WHERE name <> 'a-kit'";
    database.client().await.batch_execute(broken).await.expect("update");
    for store in [&store, &database.open().await] {
        assert_eq!(by_downloads(store).await, ["a-kit"]);
    }
    publish(&store, &owner, "b-kit", "1.0.1", json!({})).await.expect("publish");
    assert_eq!(by_downloads(&store).await, ["a-kit", "b-kit"]);
}

#[tokio::test]
async fn an_index_is_made_to_its_end_where_nobody_waits_for_it_any_more() {
    let (store, database) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "a-kit", "1.0.0", json!({})).await.expect("publish");
    let admin = database.client().await;
    admin.batch_execute("BEGIN; LOCK TABLE listings IN ACCESS EXCLUSIVE MODE").await.expect("lock");
    let maker = tokio::select! {
        _ = by_downloads(&store) => panic!("the index was made of nothing"),
        maker = database.who_waits("listings") => maker,
    };
    // The abandoned statement is cancelled by now.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(database.who_waits("listings").await, maker);
    admin.batch_execute("ROLLBACK").await.expect("unlock");
    assert_eq!(by_downloads(&store).await, ["a-kit"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_shows_all_it_counts_while_packages_come_and_go() {
    let (store, database) = database().await;
    let owner = actor(&store, "owner").await;
    for name in ["a-kit", "b-kit"] {
        publish(&store, &owner, name, "1.0.0", json!({})).await.expect("publish");
    }
    let mut searches = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        searches.spawn(async move {
            loop {
                by_downloads(&store).await;
            }
        });
    }
    let admin = database.client().await;
    for _ in 0..300 {
        let change = "UPDATE listings SET latest_version = CASE WHEN latest_version IS NULL THEN '1.0.0' END,
            revision = revision + 1, changed_by = pg_current_xact_id()::text::bigint WHERE name = 'b-kit'";
        admin.batch_execute(change).await.expect("update");
        tokio::time::sleep(Duration::from_millis(3)).await;
        assert!(searches.try_join_next().is_none(), "a search failed");
    }
}
