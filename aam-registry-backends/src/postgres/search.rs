//! Search over what is listed.

use aam_registry_core::types::{PackageSummary, Page, SearchQuery, SearchSort};
use futures_util::try_join;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    connection::Session,
    failure::Tx,
    listing::folded,
    spelling,
    sql::{self, Text},
};
use crate::relational::{
    columns,
    listing::{type_bits, types_of_bits},
    search::{Alternative, RANKED, Term, as_written, with_one_typo},
};

/// What [`summary`] reads.
const COLUMNS: &str = "l.name, l.description, l.author, l.latest_version, l.keywords, l.artifact_types, l.downloads,
    l.updated_at";

/// The weights of description and author, artifacts, keywords, and name in the text rank.
const WEIGHTS: &str = "'{0.1, 0.25, 0.4, 1.0}'";

/// The longest word that can be looked for, in bytes; none that is listed is as long.
const LONGEST_WORD: usize = 2_046;

/// Searches; see [`PackageStore::search`](aam_registry_core::ports::PackageStore::search).
pub(super) async fn search(tx: &Session, query: &SearchQuery) -> Tx<Page<PackageSummary>> {
    let Some(text) = &query.text else { return list(tx, query).await };
    let words = query.words();
    let none = Page { items: Vec::new(), total: 0, request: query.page };
    if words.is_empty() || words.iter().any(|word| word.len() > LONGEST_WORD) {
        return Ok(none);
    }
    let exact = text.trim().to_lowercase();
    let page = Matching { query, exact: Text(&exact), expression: expression(&[as_written(&words)]) }.page(tx).await?;
    if page.total > 0 {
        return Ok(page);
    }
    let alternatives = with_one_typo(&words, spelling::candidates(tx, &words).await?);
    if alternatives.is_empty() {
        return Ok(none);
    }
    Matching { query, exact: Text(&exact), expression: expression(&alternatives) }.page(tx).await
}

/// Any of the alternatives, as the text of a `tsquery`. Words hold letters and
/// digits only, so quotes keep any of them from being syntax.
fn expression(alternatives: &[Alternative]) -> String {
    let any = |term: &Term| {
        let star = if term.prefix { ":*" } else { "" };
        let words: Vec<_> = term.words.iter().map(|word| format!("'{}'{star}", folded(word))).collect();
        format!("({})", words.join(" | "))
    };
    let all = |terms: &Alternative| format!("({})", terms.iter().map(any).collect::<Vec<_>>().join(" & "));
    alternatives.iter().map(all).collect::<Vec<_>>().join(" | ")
}

/// The parameters of a query that is put together.
#[derive(Default)]
struct Asked<'a>(Vec<(&'a (dyn ToSql + Sync), Type)>);

impl<'a> Asked<'a> {
    /// Adds a parameter; gives what stands for it.
    fn param(&mut self, value: &'a (dyn ToSql + Sync), kind: Type) -> String {
        self.0.push((value, kind));
        format!("${}", self.0.len())
    }
}

/// What narrows a search beside its text, as parameters.
struct Filters<'a> {
    types: Option<i16>,
    scope: Option<&'a str>,
    keyword: Option<Text<'a>>,
}

impl<'a> Filters<'a> {
    fn of(query: &'a SearchQuery) -> Self {
        Self {
            types: query.artifact_type.map(|kind| i16::from(type_bits(&[kind]))),
            scope: query.scope.as_ref().map(aam_registry_core::types::ScopeName::as_str),
            keyword: query.keyword.as_deref().map(Text),
        }
    }

    /// The conditions on the table under that alias, each behind an `AND`.
    fn conditions(&'a self, alias: &str, asked: &mut Asked<'a>) -> String {
        let mut conditions = Vec::new();
        if let Some(types) = &self.types {
            let types = asked.param(types, Type::INT2);
            conditions.push(format!(" AND {alias}.artifact_types & {types} <> 0"));
        }
        if let Some(scope) = &self.scope {
            let scope = asked.param(scope, Type::TEXT);
            conditions.push(format!(" AND {alias}.scope = {scope}"));
        }
        if let Some(keyword) = &self.keyword {
            let keyword = asked.param(keyword, Type::TEXT);
            conditions.push(format!(
                " AND {alias}.package_id IN (SELECT k.package_id FROM listing_keywords k WHERE k.keyword = {keyword})"
            ));
        }
        conditions.concat()
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
async fn list(tx: &Session, query: &SearchQuery) -> Tx<Page<PackageSummary>> {
    let filters = Filters::of(query);
    let (limit, offset) = (columns::signed(query.page.limit), columns::signed(query.page.offset()));
    let mut asked = Asked::default();
    let conditions = filters.conditions("l", &mut asked);
    let total = format!("SELECT count(*) FROM listings l WHERE TRUE{conditions}");
    let counted = asked.0.clone();
    let (limit, offset) = (asked.param(&limit, Type::INT8), asked.param(&offset, Type::INT8));
    let order = order(query.sort);
    let page = format!(
        "SELECT {COLUMNS} FROM listings l WHERE TRUE{conditions} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
    );
    let (total, items) = try_join!(tx.ask(&total, &counted), tx.ask(&page, &asked.0))?;
    Ok(Page { items: summaries(&items, 0)?, total: count(&total)?, request: query.page })
}

/// A search for what matches an expression.
struct Matching<'a> {
    query: &'a SearchQuery,
    /// The name that comes first.
    exact: Text<'a>,
    expression: String,
}

impl Matching<'_> {
    async fn page(&self, tx: &Session) -> Tx<Page<PackageSummary>> {
        let rows = self.few(tx).await?;
        let total = count(&rows)?;
        if total <= u64::from(RANKED) {
            return Ok(Page { items: summaries(&rows, 1)?, total, request: self.query.page });
        }
        let (total, items) = try_join!(self.count(tx), self.many(tx))?;
        Ok(Page { items: summaries(&items, 0)?, total: count(&total)?, request: self.query.page })
    }

    /// A page where what matches is ranked as a whole, each row behind how
    /// many match: one more than are ranked stands for more. A page without
    /// rows is one row of nothing.
    async fn few(&self, tx: &Session) -> Tx<Vec<Row>> {
        let filters = Filters::of(self.query);
        let (limit, offset) = (columns::signed(self.query.page.limit), columns::signed(self.query.page.offset()));
        let mut asked = Asked::default();
        let matches = asked.param(&self.expression, Type::TEXT);
        let exact = asked.param(&self.exact, Type::TEXT);
        let conditions = filters.conditions("t", &mut asked);
        let (limit, offset) = (asked.param(&limit, Type::INT8), asked.param(&offset, Type::INT8));
        let (join, order) = match self.query.sort {
            SearchSort::Relevance => ("", "h.exact DESC, h.score DESC, h.name".to_owned()),
            SearchSort::Name => ("", "h.name".to_owned()),
            sort @ (SearchSort::Updated | SearchSort::Downloads) => {
                (" JOIN listings l ON l.package_id = h.package_id", order(sort).to_owned())
            }
        };
        let most = RANKED + 1;
        let sql = format!(
            "WITH hits AS MATERIALIZED (
                SELECT t.package_id, t.name, t.name = {exact} OR t.bare_name = {exact} AS exact,
                    ts_rank({WEIGHTS}, t.document, {matches}::tsquery) * t.popularity AS score
                FROM listing_text t WHERE t.document @@ {matches}::tsquery{conditions} LIMIT {most}
            )
            SELECT c.total, {COLUMNS} FROM (SELECT count(*) AS total FROM hits) c
            LEFT JOIN (
                SELECT h.package_id, row_number() OVER (ORDER BY {order}) AS place FROM hits h{join}
                ORDER BY place LIMIT {limit} OFFSET {offset}
            ) p ON TRUE
            LEFT JOIN listings l ON l.package_id = p.package_id ORDER BY p.place"
        );
        tx.ask(&sql, &asked.0).await
    }

    /// How many match.
    async fn count(&self, tx: &Session) -> Tx<Vec<Row>> {
        let filters = Filters::of(self.query);
        let mut asked = Asked::default();
        let matches = asked.param(&self.expression, Type::TEXT);
        let conditions = filters.conditions("t", &mut asked);
        let sql = format!("SELECT count(*) FROM listing_text t WHERE t.document @@ {matches}::tsquery{conditions}");
        tx.ask(&sql, &asked.0).await
    }

    /// A page where more match than are ranked.
    async fn many(&self, tx: &Session) -> Tx<Vec<Row>> {
        let filters = Filters::of(self.query);
        let (limit, offset) = (columns::signed(self.query.page.limit), columns::signed(self.query.page.offset()));
        let walked = limit.saturating_add(offset).max(i64::from(RANKED));
        let mut asked = Asked::default();
        let matches = asked.param(&self.expression, Type::TEXT);
        let conditions = filters.conditions("t", &mut asked);
        let (limit, offset) = (asked.param(&limit, Type::INT8), asked.param(&offset, Type::INT8));
        if self.query.sort != SearchSort::Relevance {
            let order = order(self.query.sort);
            let sql = format!(
                "SELECT {COLUMNS} FROM listings l JOIN listing_text t ON t.package_id = l.package_id
                 WHERE t.document @@ {matches}::tsquery{conditions} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
            );
            return tx.ask(&sql, &asked.0).await;
        }
        let exact = asked.param(&self.exact, Type::TEXT);
        let walked = asked.param(&walked, Type::INT8);
        let rank = format!("ts_rank({WEIGHTS}, document, {matches}::tsquery) * popularity");
        let sql = format!(
            "WITH popular AS MATERIALIZED (
                SELECT l.package_id, l.name, l.downloads, t.bare_name, t.popularity, t.document
                FROM listings l JOIN listing_text t ON t.package_id = l.package_id
                WHERE t.document @@ {matches}::tsquery{conditions} ORDER BY l.downloads DESC, l.name LIMIT {walked}
            ), placed AS (
                SELECT package_id, name, name = {exact} OR bare_name = {exact} AS exact, popularity, document,
                    row_number() OVER (ORDER BY downloads DESC, name) AS place FROM popular
            ), candidates AS (
                SELECT package_id, name, exact, place,
                    CASE WHEN exact OR place <= {RANKED} THEN {rank} ELSE 0 END AS score FROM placed
                UNION ALL
                SELECT t.package_id, t.name, TRUE, 0, {rank} FROM listing_text t
                WHERE (t.name = {exact} OR t.bare_name = {exact}) AND t.document @@ {matches}::tsquery{conditions}
                AND NOT EXISTS (SELECT 1 FROM popular p WHERE p.package_id = t.package_id)
            )
            SELECT {COLUMNS} FROM (
                SELECT package_id, row_number() OVER (ORDER BY exact DESC, score DESC, place, name) AS at
                FROM candidates ORDER BY at LIMIT {limit} OFFSET {offset}
            ) c JOIN listings l ON l.package_id = c.package_id ORDER BY c.at"
        );
        tx.ask(&sql, &asked.0).await
    }
}

/// The number that the first row begins with.
fn count(rows: &[Row]) -> Tx<u64> {
    Ok(rows.first().map(|row| sql::unsigned(row, 0)).transpose()?.unwrap_or(0))
}

/// The packages of rows whose columns start at `at`; a row of nothing is none.
fn summaries(rows: &[Row], at: usize) -> Tx<Vec<PackageSummary>> {
    let found = rows.iter().filter(|row| row.try_get::<_, Option<&str>>(at).is_ok_and(|name| name.is_some()));
    found.map(|row| summary(row, at)).collect()
}

fn summary(row: &Row, at: usize) -> Tx<PackageSummary> {
    let types: i16 = row.try_get(at + 5)?;
    Ok(PackageSummary {
        name: sql::parsed(row, at)?,
        description: sql::text(row, at + 1)?,
        author: sql::optional_text(row, at + 2)?,
        latest_version: sql::parsed(row, at + 3)?,
        keywords: sql::coded(row, at + 4, |text| Ok(serde_json::from_str(text)?))?,
        artifact_types: types_of_bits(u8::try_from(types).unwrap_or_default()),
        downloads: sql::unsigned(row, at + 6)?,
        updated_at: sql::instant(row, at + 7)?,
    })
}
