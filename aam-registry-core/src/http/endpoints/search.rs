use serde_json::json;

use super::params::{PAGE, optional};
use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        call::Call,
        routing::{Answer, Content, QueryParam, Route, Verb, handler, route},
        wire::{SearchPage, rules},
    },
    ports::RateClass,
    types::{ArtifactType, SearchQuery, SearchSort, Sight},
};

/// Parameters that may be empty, for HTML forms and clients that send all fields.
const FILTERS: &[&str] = &["q", "type", "scope", "keyword", "sort"];

/// The most entries of a page.
pub(in crate::http) const MAX_PAGE: u64 = 100;

const LIMIT: QueryParam = optional(
    "limit",
    "How many packages a page holds.",
    || json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 20}),
);

pub(super) const ROUTES: &[Route] = &[Route {
    tag: "Packages",
    summary: "Search and list packages",
    description: "Full-text search over name, description, keywords, author and artifact names. All words must match, \
        the last one as a prefix; where nothing matches, one typo is tolerated. Any text is allowed. A package whose \
        name is exactly the text comes first; then the text's rank counts, weighted by downloads. `@scope/*` lists a \
        scope. Without `q` all packages are listed. Empty filters are no filters.",
    class: Some(RateClass::Search),
    query: &[
        optional("q", "What to look for.", || json!({"type": "string"})),
        optional(
            "type",
            "Only packages with an artifact of this type.",
            || json!({"type": "string", "enum": ["skill", "agent", "prompt", "instruction", ""]}),
        ),
        optional(
            "scope",
            "Only packages of this scope, without `@`.",
            || json!({"type": "string", "pattern": rules::SCOPE_OR_NONE}),
        ),
        optional("keyword", "Only packages with this keyword.", || json!({"type": "string"})),
        optional(
            "sort",
            "`relevance` is the default with `q`, `updated` without.",
            || json!({"type": "string", "enum": ["relevance", "updated", "downloads", "name", ""]}),
        ),
        PAGE,
        LIMIT,
    ],
    answers: &[Answer { status: 200, description: "A page of packages.", content: Content::json::<SearchPage>() }],
    errors: &[ErrorCode::InvalidRequest],
    ..route(Verb::Get, "/api/v1/packages", "searchPackages", handler!(search))
}];

async fn search(call: Call) -> Answered {
    let mut query = call.query().ignore_empty(FILTERS);
    let text = query.text("q").map(str::to_owned);
    let default_sort = if text.is_some() { SearchSort::Relevance } else { SearchSort::Updated };
    let wanted = SearchQuery {
        artifact_type: query.one_of("type", "`skill`, `agent`, `prompt`, `instruction`", ArtifactType::parse),
        scope: query.parsed("scope"),
        keyword: query.text("keyword").map(str::to_owned),
        sort: query.one_of("sort", "`relevance`, `updated`, `downloads`, `name`", sort).unwrap_or(default_sort),
        page: query.page(20, MAX_PAGE),
        text,
        sight: Sight::default(),
    };
    query.check()?;
    let page = call.view()?.search(&wanted).await?;
    answer::read(&call, &SearchPage::from(page))
}

fn sort(text: &str) -> Option<SearchSort> {
    match text {
        "relevance" => Some(SearchSort::Relevance),
        "updated" => Some(SearchSort::Updated),
        "downloads" => Some(SearchSort::Downloads),
        "name" => Some(SearchSort::Name),
        _ => None,
    }
}
