//! Search over what is listed.

use std::collections::{HashMap, HashSet};

use aam_registry_core::types::{PackageSummary, Page, SearchQuery, SearchSort};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::{failure::Tx, packages::PackageId, spelling, sql};
use crate::relational::{
    columns,
    listing::{popularity, type_bits, types_of_bits},
    search::{Alternative, RANKED, Term, as_written, with_one_typo},
};

/// What [`summary`] reads.
const COLUMNS: &str = "l.name, l.description, l.author, l.latest_version, l.keywords, l.artifact_types, l.downloads,
                       l.updated_at";

/// The weights of name, keywords, artifacts, description and author in the text rank.
const RANK: &str = "bm25(listing_text, 10.0, 4.0, 4.0, 2.0, 1.0)";

/// Searches; see [`PackageStore::search`](aam_registry_core::ports::PackageStore::search).
pub(super) fn search(tx: &Connection, query: &SearchQuery) -> Tx<Page<PackageSummary>> {
    let Some(text) = &query.text else { return list(tx, query) };
    let words = query.words();
    if words.is_empty() {
        return Ok(Page { items: Vec::new(), total: 0, request: query.page });
    }
    let exact = text.trim().to_lowercase();
    let page = Matching { query, exact: &exact, expression: expression(&[as_written(&words)]) }.page(tx)?;
    if page.total > 0 {
        return Ok(page);
    }
    let last = words.len() - 1;
    let meant = words.iter().enumerate().map(|(at, word)| spelling::candidates(tx, word, at == last));
    let alternatives = with_one_typo(&words, meant.collect::<Tx<_>>()?);
    if alternatives.is_empty() {
        return Ok(page);
    }
    Matching { query, exact: &exact, expression: expression(&alternatives) }.page(tx)
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

/// What narrows a search beside its text: conditions on `listings l`, each
/// behind an `AND`, and their parameters.
#[derive(Default)]
struct Filters<'a> {
    conditions: String,
    params: Vec<Box<dyn ToSql + 'a>>,
}

impl<'a> Filters<'a> {
    fn of(query: &'a SearchQuery) -> Self {
        let mut filters = Self::default();
        if let Some(kind) = query.artifact_type {
            filters.add(" AND l.artifact_types & ? <> 0", type_bits(&[kind]));
        }
        if let Some(scope) = &query.scope {
            filters.add(" AND l.scope = ?", scope.as_str());
        }
        if let Some(keyword) = &query.keyword {
            let keywords = "SELECT k.package_id FROM listing_keywords k WHERE k.keyword = ?";
            filters.add(&format!(" AND l.package_id IN ({keywords})"), keyword.as_str());
        }
        filters
    }

    fn add(&mut self, condition: &str, param: impl ToSql + 'a) {
        self.conditions.push_str(condition);
        self.params.push(Box::new(param));
    }

    /// The parameters, behind those of what stands before the conditions and
    /// before those of what stands behind.
    fn between<'b>(&'b self, before: &[&'b dyn ToSql], behind: &[&'b dyn ToSql]) -> Vec<&'b dyn ToSql> {
        let params = self.params.iter().map(|param| &**param as &dyn ToSql);
        before.iter().copied().chain(params).chain(behind.iter().copied()).collect()
    }
}

/// The order of a list whose packages are all as relevant.
fn order(sort: SearchSort) -> &'static str {
    match sort {
        SearchSort::Updated => "l.updated_at DESC, l.name",
        SearchSort::Downloads => "l.downloads DESC, l.name",
        SearchSort::Relevance | SearchSort::Name => "l.name",
    }
}

/// One page of all that is listed.
fn list(tx: &Connection, query: &SearchQuery) -> Tx<Page<PackageSummary>> {
    let filters = Filters::of(query);
    let conditions = &filters.conditions;
    let (limit, offset) = (columns::signed(query.page.limit), columns::signed(query.page.offset()));
    let total = format!("SELECT count(*) FROM listings l WHERE TRUE{conditions}");
    let total = sql::first(tx, &total, params_from_iter(filters.between(&[], &[])), |row| sql::unsigned(row, 0))?;
    let order = order(query.sort);
    let page = format!("SELECT {COLUMNS} FROM listings l WHERE TRUE{conditions} ORDER BY {order} LIMIT ? OFFSET ?");
    let items = sql::all(tx, &page, params_from_iter(filters.between(&[], &[&limit, &offset])), summary)?;
    Ok(Page { items, total: total.unwrap_or(0), request: query.page })
}

/// A search for what matches an expression.
struct Matching<'a> {
    query: &'a SearchQuery,
    /// The name that comes first.
    exact: &'a str,
    expression: String,
}

/// A package that matches, and what places it among the others.
struct Candidate {
    package: PackageId,
    name: String,
    /// Whether it has the very name that was looked for.
    exact: bool,
    /// Its place by downloads.
    place: usize,
    /// How well it matches, times its popularity; the better, the smaller.
    score: f64,
    popularity: f64,
}

impl Matching<'_> {
    fn page(&self, tx: &Connection) -> Tx<Page<PackageSummary>> {
        let total = self.count(tx)?;
        let items = match self.query.sort {
            _ if total == 0 => Vec::new(),
            SearchSort::Relevance if total <= u64::from(RANKED) => self.ranked(tx)?,
            SearchSort::Relevance => self.most_popular_ranked(tx)?,
            SearchSort::Updated | SearchSort::Downloads | SearchSort::Name => self.ordered(tx, total)?,
        };
        Ok(Page { items, total, request: self.query.page })
    }

    fn bounds(&self) -> (i64, i64) {
        (columns::signed(self.query.page.limit), columns::signed(self.query.page.offset()))
    }

    /// How many match.
    fn count(&self, tx: &Connection) -> Tx<u64> {
        let filters = Filters::of(self.query);
        let (join, conditions) = match &*filters.conditions {
            // What has words is listed: to look it up there would take longer than to find it.
            "" => ("", ""),
            conditions => (" JOIN listings l ON l.package_id = listing_text.rowid", conditions),
        };
        let sql = format!("SELECT count(*) FROM listing_text{join} WHERE listing_text MATCH ?{conditions}");
        let params = filters.between(&[&self.expression], &[]);
        Ok(sql::first(tx, &sql, params_from_iter(params), |row| sql::unsigned(row, 0))?.unwrap_or(0))
    }

    /// A page where all that matches is ranked.
    fn ranked(&self, tx: &Connection) -> Tx<Vec<PackageSummary>> {
        let filters = Filters::of(self.query);
        let conditions = &filters.conditions;
        let (limit, offset) = self.bounds();
        let sql = format!(
            "SELECT {COLUMNS} FROM listing_text JOIN listings l ON l.package_id = listing_text.rowid
             WHERE listing_text MATCH ?{conditions}
             ORDER BY l.name = ? OR l.bare_name = ? DESC, {RANK} * l.popularity, l.name LIMIT ? OFFSET ?"
        );
        let params = filters.between(&[&self.expression], &[&self.exact, &self.exact, &limit, &offset]);
        sql::all(tx, &sql, params_from_iter(params), summary)
    }

    /// A page in an order that no rank has a part in.
    fn ordered(&self, tx: &Connection, total: u64) -> Tx<Vec<PackageSummary>> {
        let filters = Filters::of(self.query);
        let conditions = &filters.conditions;
        let (limit, offset) = self.bounds();
        // Many are found sooner on a walk in the order asked for than few, which are sorted.
        let no_index = if total > u64::from(RANKED) { "+" } else { "" };
        let order = order(self.query.sort);
        let sql = format!(
            "SELECT {COLUMNS} FROM listings l
             WHERE {no_index}l.package_id IN (SELECT rowid FROM listing_text WHERE listing_text MATCH ?){conditions}
             ORDER BY {order} LIMIT ? OFFSET ?"
        );
        sql::all(tx, &sql, params_from_iter(filters.between(&[&self.expression], &[&limit, &offset])), summary)
    }

    /// A page where more match than are ranked.
    fn most_popular_ranked(&self, tx: &Connection) -> Tx<Vec<PackageSummary>> {
        let mut candidates = self.candidates(tx)?;
        let ranks = self.ranks(tx, &candidates)?;
        // Of those of the very name, not all need match.
        candidates.retain(|candidate| candidate.place > 0 || ranks.contains_key(&candidate.package));
        for candidate in &mut candidates {
            candidate.score = ranks.get(&candidate.package).map_or(0.0, |rank| rank * candidate.popularity);
        }
        candidates.sort_by(|a, b| {
            let by_score = || a.score.total_cmp(&b.score).then_with(|| a.place.cmp(&b.place));
            b.exact.cmp(&a.exact).then_with(by_score).then_with(|| a.name.cmp(&b.name))
        });
        let [limit, offset] = [self.query.page.limit, self.query.page.offset()]
            .map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        let page: Vec<_> = candidates.into_iter().skip(offset).take(limit).map(|found| found.package).collect();
        let sql = format!(
            "SELECT {COLUMNS}, l.package_id FROM listings l WHERE l.package_id IN (SELECT value FROM json_each(?))"
        );
        let mut found: HashMap<PackageId, PackageSummary> =
            sql::all(tx, &sql, [serde_json::to_string(&page)?], |row| Ok((row.get(8)?, summary(row)?)))?;
        Ok(page.iter().filter_map(|package| found.remove(package)).collect())
    }

    /// The most downloaded packages that match, as many as are ranked or lie
    /// before the end of the page, and those of the very name.
    fn candidates(&self, tx: &Connection) -> Tx<Vec<Candidate>> {
        let filters = Filters::of(self.query);
        let conditions = &filters.conditions;
        let (limit, offset) = self.bounds();
        let walked = limit.saturating_add(offset).max(i64::from(RANKED));
        let candidate = |row: &Row<'_>| -> Tx<Candidate> {
            let name: String = row.get(1)?;
            let bare = name.rsplit_once('/').map_or(&*name, |(_, bare)| bare);
            let exact = name == self.exact || bare == self.exact;
            let popularity = popularity(sql::unsigned(row, 2)?);
            Ok(Candidate { package: row.get(0)?, name, exact, place: 0, score: 0.0, popularity })
        };
        // The walk ends as soon as it has found enough, and looks up none that does not match.
        let popular = format!(
            "SELECT l.package_id, l.name, l.downloads FROM listings l
             WHERE +l.package_id IN (SELECT rowid FROM listing_text WHERE listing_text MATCH ?){conditions}
             ORDER BY l.downloads DESC, l.name LIMIT ?"
        );
        let params = filters.between(&[&self.expression], &[&walked]);
        let mut candidates: Vec<Candidate> = sql::all(tx, &popular, params_from_iter(params), candidate)?;
        for (candidate, place) in candidates.iter_mut().zip(1..) {
            candidate.place = place;
        }
        let known: HashSet<PackageId> =
            candidates.iter().filter(|found| found.exact).map(|found| found.package).collect();
        let exact = format!(
            "SELECT l.package_id, l.name, l.downloads FROM listings l WHERE (l.name = ? OR l.bare_name = ?){conditions}"
        );
        let params = filters.between(&[&self.exact, &self.exact], &[]);
        let exact: Vec<Candidate> = sql::all(tx, &exact, params_from_iter(params), candidate)?;
        candidates.extend(exact.into_iter().filter(|found| !known.contains(&found.package)));
        Ok(candidates)
    }

    /// How well those of the candidates match that are ranked.
    fn ranks(&self, tx: &Connection, candidates: &[Candidate]) -> Tx<HashMap<PackageId, f64>> {
        let is_ranked = |found: &&Candidate| found.exact || found.place <= RANKED as usize;
        let ranked: Vec<_> = candidates.iter().filter(is_ranked).map(|found| found.package).collect();
        // One pass over what matches: to ask for each row by itself would run the expression as often.
        let sql = format!(
            "SELECT rowid, {RANK} FROM listing_text
             WHERE listing_text MATCH ? AND +rowid IN (SELECT value FROM json_each(?))"
        );
        let params = (&self.expression, serde_json::to_string(&ranked)?);
        sql::all(tx, &sql, params, |row| Ok((row.get(0)?, row.get(1)?)))
    }
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
