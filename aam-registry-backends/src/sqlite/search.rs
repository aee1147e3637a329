//! Search over what is listed.

use aam_registry_core::types::{PackageSummary, Page, SearchQuery, SearchSort};
use rusqlite::{Connection, Row, ToSql};

use super::{failure::Tx, spelling, sql};
use crate::relational::{
    columns,
    listing::{type_bits, types_of_bits},
    search::{Alternative, Term, as_written, with_one_typo},
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
    let page = list(tx, query, Some((text, expression(&[as_written(&words)]))))?;
    if page.total > 0 {
        return Ok(page);
    }
    let last = words.len() - 1;
    let meant = words.iter().enumerate().map(|(at, word)| spelling::candidates(tx, word, at == last));
    let alternatives = with_one_typo(&words, meant.collect::<Tx<_>>()?);
    if alternatives.is_empty() { Ok(page) } else { list(tx, query, Some((text, expression(&alternatives)))) }
}

/// Any of the alternatives, as an FTS5 expression. Words hold letters and
/// digits only, so quotes keep any of them from being syntax.
fn expression(alternatives: &[Alternative]) -> String {
    let any = |term: &Term| {
        let star = if term.prefix { "*" } else { "" };
        let words: Vec<_> = term.words.iter().map(|word| format!("\"{word}\"{star}")).collect();
        format!("({})", words.join(" OR "))
    };
    let all = |terms: &Alternative| format!("({})", terms.iter().map(any).collect::<Vec<_>>().join(" AND "));
    alternatives.iter().map(all).collect::<Vec<_>>().join(" OR ")
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
        [columns::signed(query.page.limit), columns::signed(query.page.offset())]
            .map(|n| Box::new(n) as Box<dyn ToSql>),
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
        keywords: sql::coded(row, 4, |text| Ok(serde_json::from_str(text)?))?,
        artifact_types: types_of_bits(row.get(5)?),
        downloads: sql::unsigned(row, 6)?,
        updated_at: sql::instant(row, 7)?,
    })
}
