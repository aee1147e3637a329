//! Which packages a search finds, and in which order.

use jiff::civil::date;
use serde_json::json;

use super::{
    changes::{unyank, yank},
    world::{actor, manifest_with, now, package_name, publish, scope, scoped_name, try_publish, v, word},
};
use crate::{
    ports::{CommandHandlerExt, Database},
    types::{
        Actor, ArtifactType, DownloadBatch, DownloadCount, PackageName, PackageSummary, Page, PageRequest, Reach,
        ScopeName, SearchQuery, SearchSort,
    },
};

fn everything() -> SearchQuery {
    SearchQuery::everything(SearchSort::Relevance, PageRequest { page: 1, limit: 50 })
}

fn text(text: &str) -> SearchQuery {
    SearchQuery { text: Some(text.to_owned()), ..everything() }
}

async fn find(db: &dyn Database, query: &SearchQuery) -> Page<PackageSummary> {
    db.search(query).await.unwrap_or_else(|error| panic!("{:?}: {error:?}", query.text))
}

/// The names that a search finds, in order. All of them have to fit on one page.
async fn names(db: &dyn Database, query: &SearchQuery) -> Vec<PackageName> {
    let found = find(db, query).await;
    assert_eq!(found.total, found.items.len() as u64, "total of {:?}", query.text);
    found.items.into_iter().map(|package| package.name).collect()
}

/// Asserts that `typed` finds `name` and nothing else.
async fn finds_only(db: &dyn Database, typed: &str, name: &PackageName) {
    assert_eq!(names(db, &text(typed)).await, std::slice::from_ref(name), "{typed:?}");
}

/// Publishes one version of `name`, with the keys `more` in its manifest.
async fn make(db: &dyn Database, actor: &Actor, name: &PackageName, more: serde_json::Value) {
    try_publish(db, actor, manifest_with(name, "1.0.0", &more)).await.expect("publish");
}

/// Publishes one version of a new package, with the keys `more` in its manifest.
async fn make_new(db: &dyn Database, actor: &Actor, more: serde_json::Value) -> PackageName {
    let name = package_name();
    make(db, actor, &name, more).await;
    name
}

async fn download(db: &dyn Database, name: &PackageName, count: u64) {
    let day = date(2025, 6, 1);
    let count = DownloadCount { package: name.clone(), version: v("1.0.0"), day, count };
    db.add_downloads(&DownloadBatch::new(now(), vec![count])).await.expect("add downloads");
    db.refresh_totals().await.expect("refresh");
}

/// `typed` with `cut` letters from `at` on replaced by `by`.
fn with_typo(typed: &str, at: usize, cut: usize, by: &str) -> String {
    format!("{}{by}{}", &typed[..at], &typed[at + cut..])
}

/// A search result shows the fields of the manifest of `latest`.
pub async fn a_row_shows_the_package(db: &dyn Database) {
    let (actor, name, found_by) = (actor(db).await, package_name(), word());
    let artifact = |path: &str| json!([{"name": "a", "path": path, "description": ""}]);
    let description = format!("Finds {found_by}");
    let more = json!({
        "description": description, "author": "Zoë", "keywords": ["audit", "b-2"],
        "artifacts": {"prompts": artifact("p.md"), "agents": artifact("agents/a")},
    });
    make(db, &actor, &name, more).await;
    let updated_at = db.package(&name, Reach::Everything).await.expect("read").expect("a package").updated_at;
    let query = text(&found_by);
    let found = find(db, &query).await;
    let row = PackageSummary {
        name,
        description,
        author: Some("Zoë".to_owned()),
        latest_version: v("1.0.0"),
        keywords: vec!["audit".to_owned(), "b-2".to_owned()],
        artifact_types: vec![ArtifactType::Agent, ArtifactType::Prompt],
        downloads: 0,
        updated_at,
    };
    assert_eq!(found, Page { items: vec![row], total: 1, request: query.page });
}

/// Name, description, keywords, author and artifact names are searched, in any case and script.
pub async fn every_field_is_searched(db: &dyn Database) {
    let actor = actor(db).await;
    let words: Vec<_> = (0..5).map(|_| word()).collect();
    let name: PackageName = format!("kit-{}-x", words[0]).parse().expect("a name");
    let more = json!({
        "description": format!("Über{}, quickly.", words[1]), "keywords": ["plain", words[2]],
        "author": format!("Jane <{}@example.com>", words[3]),
        "artifacts": {"skills": [{"name": format!("do-{}", words[4]), "path": "skills/s", "description": "x"}]},
    });
    make(db, &actor, &name, more).await;
    for wanted in [&words[0], &format!("über{}", words[1]), &words[2], &words[3], &words[4]] {
        for spelled in [wanted.clone(), wanted.to_uppercase()] {
            finds_only(db, &spelled, &name).await;
        }
    }
}

/// Every word has to occur, in any field and order.
pub async fn all_words_must_match(db: &dyn Database) {
    let (actor, first, second) = (actor(db).await, word(), word());
    let both = make_new(db, &actor, json!({"description": format!("{second} one"), "keywords": [first]})).await;
    let one = make_new(db, &actor, json!({"description": first})).await;
    for wanted in [format!("{first} {second}"), format!("{second} {first}"), format!("{second},{first}")] {
        finds_only(db, &wanted, &both).await;
    }
    let mut either = names(db, &text(&first)).await;
    either.sort();
    let mut expected = vec![both, one];
    expected.sort();
    assert_eq!(either, expected);
    assert!(names(db, &text(&format!("{first} {}", word()))).await.is_empty());
}

/// The last word may be incomplete; the others have to be complete.
pub async fn the_last_word_is_a_prefix(db: &dyn Database) {
    let (actor, first, second) = (actor(db).await, word(), word());
    let name = make_new(db, &actor, json!({"description": format!("{first} {second}")})).await;
    for wanted in [first[..8].to_owned(), format!("{second} {}", &first[..8]), format!("{first} {}", &second[..5])] {
        finds_only(db, &wanted, &name).await;
    }
    assert!(names(db, &text(&format!("{} {second}", &first[..8]))).await.is_empty());
    assert!(names(db, &text(&first[6..])).await.is_empty(), "the end of a word is no word");
}

/// The package with that full or bare name comes before more popular ones.
pub async fn an_exact_name_comes_first(db: &dyn Database) {
    let (actor, wanted) = (actor(db).await, word());
    let scope = scope(db, &actor).await;
    let plain: PackageName = wanted.parse().expect("a name");
    let longer: PackageName = format!("a-{wanted}").parse().expect("a name");
    let scoped = PackageName::scoped(&scope, &wanted).expect("a name");
    make(db, &actor, &longer, json!({"keywords": [wanted], "description": format!("{wanted} {wanted}")})).await;
    download(db, &longer, 1_000_000).await;
    make(db, &actor, &plain, json!({})).await;
    assert_eq!(names(db, &text(&wanted)).await, [plain.clone(), longer.clone()]);
    assert_eq!(names(db, &text(&wanted.to_uppercase())).await, [plain.clone(), longer.clone()]);

    make(db, &actor, &scoped, json!({})).await;
    let found = names(db, &text(&wanted)).await;
    assert_eq!(found[2], longer);
    assert!(found.contains(&plain) && found.contains(&scoped));
    let beside = PackageName::scoped(&scope, &format!("{wanted}-beside")).expect("a name");
    make(db, &actor, &beside, json!({"description": format!("@{scope}/{wanted} {scope}")})).await;
    download(db, &beside, 1_000_000).await;
    assert_eq!(names(db, &text(scoped.as_str())).await, [scoped, beside]);
}

/// Of packages that match equally, the more popular comes first; ties are sorted by name.
pub async fn downloads_weigh_in(db: &dyn Database) {
    let (actor, wanted) = (actor(db).await, word());
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(make_new(db, &actor, json!({"description": format!("Does {wanted}")})).await);
    }
    made.sort();
    assert_eq!(names(db, &text(&wanted)).await, made);
    download(db, &made[3], 10_000).await;
    let expected = [&made[3], &made[0], &made[1], &made[2]].map(Clone::clone);
    assert_eq!(names(db, &text(&wanted)).await, expected);
}

/// A word in the name counts more than one in the description.
pub async fn a_name_weighs_more_than_a_description(db: &dyn Database) {
    let (actor, wanted) = (actor(db).await, word());
    let named: PackageName = format!("z-{wanted}").parse().expect("a name");
    let mentions: PackageName = format!("a-{}", word()).parse().expect("a name");
    make(db, &actor, &named, json!({})).await;
    make(db, &actor, &mentions, json!({"description": format!("Works with {wanted}")})).await;
    assert_eq!(names(db, &text(&wanted)).await, [named, mentions]);
}

/// One wrong, missing, additional or swapped letter is tolerated if nothing else matches.
pub async fn one_typo_is_forgiven(db: &dyn Database) {
    let actor = actor(db).await;
    // Neighbouring letters differ, so that each change really makes a typo.
    let (first, second) = (format!("{}qxz", word()), format!("{}jkv", word()));
    let name = make_new(db, &actor, json!({"description": format!("{first} {second}"), "keywords": [first]})).await;
    let at = first.len() - 3;
    let swapped = with_typo(&first, at, 2, "xq");
    let added = with_typo(&first, first.len(), 0, "w");
    let (changed, left_out) = (with_typo(&first, at, 1, "w"), with_typo(&first, at, 1, ""));
    for typo in &[changed, left_out, with_typo(&first, at, 0, "w"), swapped, added] {
        finds_only(db, typo, &name).await;
        finds_only(db, &format!("{typo} {second}"), &name).await;
        finds_only(db, &format!("{second} {typo}"), &name).await;
    }
    let two = with_typo(&with_typo(&first, at, 1, "w"), 1, 1, "0");
    assert!(names(db, &text(&two)).await.is_empty(), "two typos are two words");
}

/// A typo in the name itself is tolerated.
pub async fn one_typo_in_a_name_is_forgiven(db: &dyn Database) {
    let (actor, stem) = (actor(db).await, word());
    let name: PackageName = format!("{stem}qx-kit").parse().expect("a name");
    make(db, &actor, &name, json!({})).await;
    for typo in [format!("{stem}qw-kit"), format!("{stem}x-kit"), format!("{stem}xq"), format!("{stem}qxx")] {
        finds_only(db, &typo, &name).await;
    }
}

/// If something matches exactly, matches with a typo are left out.
pub async fn a_match_leaves_typos_out(db: &dyn Database) {
    let (actor, stem) = (actor(db).await, word());
    let right = make_new(db, &actor, json!({"description": format!("{stem}qx")})).await;
    let near = make_new(db, &actor, json!({"description": format!("{stem}qy")})).await;
    assert_eq!(names(db, &text(&format!("{stem}qx"))).await, [right]);
    assert_eq!(names(db, &text(&format!("{stem}qy"))).await, [near]);
}

/// A scope, type or keyword filters a search or a list; several filters combine.
pub async fn filters_narrow(db: &dyn Database) {
    let (actor, keyword, mentioned) = (actor(db).await, word(), word());
    let scope = scope(db, &actor).await;
    let prompts = json!({"prompts": [{"name": "p", "path": "p.md", "description": ""}]});
    let names_of = [scoped_name(&scope), scoped_name(&scope), scoped_name(&scope), package_name()];
    let [prompt, tagged, plain, outside] = &names_of;
    make(db, &actor, prompt, json!({"artifacts": prompts, "keywords": ["other", keyword]})).await;
    make(db, &actor, tagged, json!({"keywords": [keyword], "description": mentioned})).await;
    make(db, &actor, plain, json!({"description": format!("{mentioned} {keyword}")})).await;
    make(db, &actor, outside, json!({"keywords": [keyword, format!("{keyword}-2")]})).await;

    let (in_scope, with_keyword) = (Some(scope), Some(keyword.clone()));
    let prompt_type = Some(ArtifactType::Prompt);
    for (query, expected) in [
        (SearchQuery { scope: in_scope.clone(), ..everything() }, vec![prompt, tagged, plain]),
        (SearchQuery { keyword: with_keyword.clone(), ..everything() }, vec![prompt, tagged, outside]),
        (SearchQuery { scope: in_scope.clone(), keyword: with_keyword.clone(), ..everything() }, vec![prompt, tagged]),
        (SearchQuery { scope: in_scope.clone(), artifact_type: prompt_type, ..everything() }, vec![prompt]),
        (SearchQuery { keyword: with_keyword.clone(), artifact_type: prompt_type, ..everything() }, vec![prompt]),
        (SearchQuery { keyword: with_keyword, ..text(&mentioned) }, vec![tagged]),
        (SearchQuery { scope: in_scope.clone(), ..text(&keyword) }, vec![prompt, tagged, plain]),
        (SearchQuery { scope: in_scope.clone(), artifact_type: prompt_type, ..text(&mentioned) }, vec![]),
        (SearchQuery { scope: in_scope, artifact_type: Some(ArtifactType::Agent), ..everything() }, vec![]),
        (SearchQuery { scope: Some(super::world::scope_name()), ..everything() }, vec![]),
        (SearchQuery { keyword: Some(keyword[..6].to_owned()), ..everything() }, vec![]),
    ] {
        let mut expected: Vec<_> = expected.into_iter().cloned().collect();
        expected.sort();
        let mut found = names(db, &query).await;
        found.sort();
        assert_eq!(found, expected, "{query:?}");
    }
}

/// Three packages of one new scope, by name.
async fn three_in_a_scope(db: &dyn Database) -> (Actor, ScopeName, [PackageName; 3]) {
    let actor = actor(db).await;
    let scope = scope(db, &actor).await;
    let names =
        ["b", "a", "c"].map(|start| PackageName::scoped(&scope, &format!("{start}{}", word())).expect("a name"));
    for name in &names {
        make(db, &actor, name, json!({})).await;
    }
    let [b, a, c] = names;
    (actor, scope, [a, b, c])
}

/// Results are sorted by name, last change or downloads.
pub async fn sorts_order(db: &dyn Database) {
    let (actor, scope, [a, b, c]) = three_in_a_scope(db).await;
    let sorted = async |sort| names(db, &SearchQuery { scope: Some(scope.clone()), sort, ..everything() }).await;
    assert_eq!(sorted(SearchSort::Name).await, [a.clone(), b.clone(), c.clone()]);
    assert_eq!(sorted(SearchSort::Updated).await, [c.clone(), a.clone(), b.clone()]);
    assert_eq!(sorted(SearchSort::Downloads).await, [a.clone(), b.clone(), c.clone()], "ties go by name");
    publish(db, &actor, &a, &["1.0.1"]).await;
    assert_eq!(sorted(SearchSort::Updated).await, [a.clone(), c.clone(), b.clone()]);
    download(db, &b, 5).await;
    download(db, &c, 9).await;
    assert_eq!(sorted(SearchSort::Downloads).await, [c, b, a]);
}

/// Pages split one order without overlap; pages past the end are empty.
pub async fn pages_cut_the_results(db: &dyn Database) {
    let (_, scope, [a, b, c]) = three_in_a_scope(db).await;
    for (page, limit, expected) in [
        (1, 2, vec![&a, &b]),
        (2, 2, vec![&c]),
        (3, 2, vec![]),
        (1, 3, vec![&a, &b, &c]),
        (2, 3, vec![]),
        (u64::MAX, 1, vec![]),
        (u64::MAX, 100, vec![]),
    ] {
        let page = PageRequest { page, limit };
        let query = SearchQuery { scope: Some(scope.clone()), sort: SearchSort::Name, page, ..everything() };
        let found = find(db, &query).await;
        assert_eq!(found.items.iter().map(|row| &row.name).collect::<Vec<_>>(), expected, "{page:?}");
        assert_eq!((found.total, found.request), (3, page));
        let found = find(db, &SearchQuery { text: Some(scope.to_string()), ..query }).await;
        assert_eq!(found.items.len(), expected.len(), "{page:?} of a text");
        assert_eq!(found.total, 3, "{page:?} of a text");
    }
}

/// A package without a `latest` is neither listed nor counted until it has one again.
pub async fn yanked_only_packages_are_absent(db: &dyn Database) {
    let (actor, scope, [a, b, c]) = three_in_a_scope(db).await;
    let listed = SearchQuery { scope: Some(scope), sort: SearchSort::Name, ..everything() };
    db.execute(&yank(&actor, &b, "1.0.0")).await.expect("yank");
    assert_eq!(names(db, &listed).await, [a.clone(), c.clone()]);
    assert!(names(db, &text(b.bare())).await.is_empty());
    db.execute(&unyank(&actor, &b, "1.0.0")).await.expect("unyank");
    assert_eq!(names(db, &listed).await, [a, b.clone(), c]);
    assert_eq!(names(db, &text(b.bare())).await, [b]);
}

/// Texts of older versions are not found.
pub async fn a_search_knows_latest_alone(db: &dyn Database) {
    let (actor, name, old, new) = (actor(db).await, package_name(), word(), word());
    for (version, says) in [("1.0.0", &old), ("2.0.0", &new)] {
        let manifest = manifest_with(&name, version, &json!({"description": says, "keywords": [says]}));
        try_publish(db, &actor, manifest).await.expect("publish");
    }
    let by = async |word: &String| {
        let by_keyword = SearchQuery { keyword: Some(word.clone()), ..everything() };
        (names(db, &text(word)).await.len(), names(db, &by_keyword).await.len())
    };
    assert_eq!((by(&old).await, by(&new).await), ((0, 0), (1, 1)));
    db.execute(&yank(&actor, &name, "2.0.0")).await.expect("yank");
    assert_eq!((by(&old).await, by(&new).await), ((1, 1), (0, 0)));
}

/// Every text is taken literally: operators of query languages, quotes, wildcards, megabytes.
pub async fn junk_is_text(db: &dyn Database) {
    let (actor, wanted) = (actor(db).await, word());
    let name = make_new(db, &actor, json!({"description": format!("{wanted} exactly")})).await;
    for around in [
        "\"_", "_\"", "(_", "_)", "(_)", "-_", "+_", "_*", "^_", "'_';--", "\\_", "_\0", "{_}", "_:", "~_", "😀 _",
        "_!",
    ] {
        let typed = around.replace('_', &wanted);
        finds_only(db, &typed, &name).await;
    }
    for operator in ["AND", "OR", "NOT", "NEAR"] {
        let typed = format!("{wanted} {operator} exactly");
        assert!(names(db, &text(&typed)).await.is_empty(), "{typed:?}");
    }
    let long = "lorem \"ipsum ".repeat(800);
    let words = (0..2000).map(|at| format!("{at}x")).collect::<Vec<_>>().join(" ");
    for junk in ["AND", "a OR", "NOT", "NEAR(a b)", "description: x", "a\u{0}b", "\u{fffd}\u{202e}x", &long, &words] {
        find(db, &text(junk)).await;
    }
    find(db, &text(&"x".repeat(10_000))).await;
    find(db, &SearchQuery { keyword: Some("\"%_*' OR 1=1".to_owned()), ..everything() }).await;
}

/// A sentence of many words is found exactly and with one typo; with two it finds nothing, and that is
/// no error.
pub async fn a_sentence_is_searched_as_a_whole(db: &dyn Database) {
    let actor = actor(db).await;
    let words: Vec<_> = (0..17).map(|_| word()).collect();
    let name = make_new(db, &actor, json!({"description": words.join(" ")})).await;
    let misspell = |wrong: &[usize]| {
        let spelled = words.iter().enumerate();
        let spelled =
            spelled.map(|(at, word)| if wrong.contains(&at) { with_typo(word, 6, 1, "0") } else { word.clone() });
        spelled.collect::<Vec<_>>().join(" ")
    };
    finds_only(db, &misspell(&[]), &name).await;
    finds_only(db, &misspell(&[3]), &name).await;
    finds_only(db, &misspell(&[16]), &name).await;
    let all: Vec<_> = (0..17).collect();
    for typed in [misspell(&[3, 9]), misspell(&all), format!("{0} {0}", misspell(&all))] {
        assert!(names(db, &text(&typed)).await.is_empty(), "{typed}");
    }
}

/// A text without a letter or digit finds nothing, instead of everything.
pub async fn a_text_without_a_word_finds_nothing(db: &dyn Database) {
    make_new(db, &actor(db).await, json!({})).await;
    for typed in ["", " ", "\"", "*", "...", "@/", "😀", "--", "()", "%", "_", "\u{0}"] {
        assert!(names(db, &text(typed)).await.is_empty(), "{typed:?}");
    }
}
