//! Search over what is listed.

use aam_registry_core::types::{PackageSummary, Page, SearchQuery, SearchSort};
use rusqlite::{Connection, Row, ToSql};

use super::{
    failure::Tx,
    listing::{type_bits, types_of_bits},
    spelling, sql,
};

/// What [`summary`] reads.
const COLUMNS: &str = "l.name, l.description, l.author, l.latest_version, l.keywords, l.artifact_types, l.downloads,
                       l.updated_at";

/// The weights of name, keywords, artifacts, description and author in the text rank.
const RANK: &str = "bm25(listing_text, 10.0, 4.0, 4.0, 2.0, 1.0)";

/// Searches; see [`PackageStore::search`](aam_registry_core::ports::PackageStore::search).
pub(super) fn search(tx: &Connection, query: &SearchQuery) -> Tx<Page<PackageSummary>> {
    let Some(text) = &query.text else { return list(tx, query, None) };
    let words = query.words();
    if words.is_empty() {
        return Ok(Page { items: Vec::new(), total: 0, request: query.page });
    }
    let page = list(tx, query, Some((text, as_written(&words))))?;
    if page.total > 0 {
        return Ok(page);
    }
    match with_one_typo(tx, &words)? {
        Some(expression) => list(tx, query, Some((text, expression))),
        None => Ok(page),
    }
}

/// All words, the last one as a prefix, as an FTS5 expression. Words hold
/// letters and digits only, so quotes keep any of them from being syntax.
fn as_written(words: &[String]) -> String {
    let mut expression = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" AND ");
    expression.push('*');
    expression
}

/// All words, one of them with one typo, as an FTS5 expression; `None` where
/// no word resembles anything known.
fn with_one_typo(tx: &Connection, words: &[String]) -> Tx<Option<String>> {
    let terms: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let mut alternatives = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let last = words.len() - 1;
        let star = |at: usize| if at == last { "*" } else { "" };
        let meant = spelling::candidates(tx, word, at == last)?;
        if meant.is_empty() {
            continue;
        }
        let meant: Vec<_> = meant.iter().map(|word| format!("\"{word}\"{}", star(at))).collect();
        let others = terms.iter().enumerate().filter(|(other, _)| *other != at);
        let others = others.map(|(other, term)| format!(" AND {term}{}", star(other)));
        alternatives.push(format!("(({}){})", meant.join(" OR "), others.collect::<String>()));
    }
    Ok((!alternatives.is_empty()).then(|| alternatives.join(" OR ")))
}

/// One page of what is listed; with text, of what matches its expression.
fn list(tx: &Connection, query: &SearchQuery, text: Option<(&String, String)>) -> Tx<Page<PackageSummary>> {
    let mut from = String::from("listings l");
    let mut conditions = vec!["TRUE"];
    let mut params: Vec<Box<dyn ToSql>> = Vec::new();
    if let Some((_, expression)) = &text {
        from = "listing_text JOIN listings l ON l.package_id = listing_text.rowid".into();
        conditions.push("listing_text MATCH ?");
        params.push(Box::new(expression.clone()));
    }
    if let Some(kind) = query.artifact_type {
        conditions.push("l.artifact_types & ? <> 0");
        params.push(Box::new(type_bits(&[kind])));
    }
    if let Some(scope) = &query.scope {
        conditions.push("l.scope = ?");
        params.push(Box::new(scope.as_str().to_owned()));
    }
    if let Some(keyword) = &query.keyword {
        conditions.push("l.package_id IN (SELECT k.package_id FROM listing_keywords k WHERE k.keyword = ?)");
        params.push(Box::new(keyword.clone()));
    }
    let rows = format!("FROM {from} WHERE {}", conditions.join(" AND "));
    let total = sql::first(tx, &format!("SELECT count(*) {rows}"), rusqlite::params_from_iter(&params), |row| {
        sql::unsigned(row, 0)
    })?;
    let order = match (query.sort, text) {
        (SearchSort::Relevance, Some((text, _))) => {
            let exact = text.trim().to_lowercase();
            params.extend([Box::new(exact.clone()) as Box<dyn ToSql>, Box::new(exact)]);
            format!("l.name = ? OR l.bare_name = ? DESC, {RANK} * l.popularity, l.name")
        }
        (SearchSort::Updated, _) => "l.updated_at DESC, l.name".into(),
        (SearchSort::Downloads, _) => "l.downloads DESC, l.name".into(),
        // Without text, all are as relevant.
        (SearchSort::Relevance | SearchSort::Name, _) => "l.name".into(),
    };
    params.extend(
        [sql::signed(query.page.limit), sql::signed(query.page.offset())].map(|n| Box::new(n) as Box<dyn ToSql>),
    );
    let select = format!("SELECT {COLUMNS} {rows} ORDER BY {order} LIMIT ? OFFSET ?");
    let items = sql::all(tx, &select, rusqlite::params_from_iter(&params), summary)?;
    Ok(Page { items, total: total.unwrap_or(0), request: query.page })
}

fn summary(row: &Row<'_>) -> Tx<PackageSummary> {
    Ok(PackageSummary {
        name: sql::parsed(row, 0)?,
        description: row.get(1)?,
        author: row.get(2)?,
        latest_version: sql::parsed(row, 3)?,
        keywords: serde_json::from_str(&row.get::<_, String>(4)?)?,
        artifact_types: types_of_bits(row.get(5)?),
        downloads: sql::unsigned(row, 6)?,
        updated_at: sql::instant(row, 7)?,
    })
}
