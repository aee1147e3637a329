use aam_registry_core::{
    decide::{CloseReport, CloseReportFacts, NewReport, NewReportFacts},
    types::{NamedReport, Page, Report, ReportClosure, ReportFilter, ReportState},
};
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{facts, failure::Tx, sql};
use crate::relational::columns;

/// What [`report`] reads.
const NAMED: &str = "SELECT r.id, r.package, r.version, r.category, r.text, r.reporter, r.created_at, r.closed_at,
        r.closed_by, r.comment, u.username, c.username
    FROM reports r LEFT JOIN users u ON u.id = r.reporter LEFT JOIN users c ON c.id = r.closed_by";

pub(super) fn new_report_facts(tx: &Connection, new: &NewReport) -> Tx<NewReportFacts> {
    let open = "SELECT count(*) FROM reports WHERE reporter = ?1 AND closed_at IS NULL";
    let open = sql::first(tx, open, [new.actor.user.to_string()], |row| sql::unsigned(row, 0))?;
    Ok(NewReportFacts { package: facts::package(tx, new.reads())?, open: open.unwrap_or_default() })
}

pub(super) fn close_report_facts(tx: &Connection, close: &CloseReport) -> Tx<CloseReportFacts> {
    let report = sql::first(tx, &format!("{NAMED} WHERE r.id = ?1"), [close.id.to_string()], report)?;
    Ok(CloseReportFacts { caller: facts::caller(tx, &close.actor)?, report })
}

/// Reports, newest first.
pub(super) fn list(tx: &Connection, filter: &ReportFilter) -> Tx<Page<NamedReport>> {
    let condition = match filter.state {
        // Every id: the key is read in its order.
        None => "r.id > ''",
        Some(ReportState::Open) => "r.closed_at IS NULL",
        Some(ReportState::Closed) => "r.closed_at IS NOT NULL",
    };
    let total =
        sql::first(tx, &format!("SELECT count(*) FROM reports r WHERE {condition}"), [], |row| sql::unsigned(row, 0))?;
    let page = filter.page;
    let query = format!("{NAMED} WHERE {condition} ORDER BY r.id DESC LIMIT ?1 OFFSET ?2");
    let items = sql::all(tx, &query, [columns::signed(page.limit), columns::signed(page.offset())], report)?;
    Ok(Page { items, total: total.unwrap_or_default(), request: page })
}

/// Makes a report, or makes it what it is from now on.
pub(super) fn put(tx: &Connection, report: &Report) -> Tx<()> {
    let closure = report.closure.as_ref();
    let row = (
        report.id.to_string(),
        report.package.as_str(),
        report.version.as_ref().map(ToString::to_string),
        report.category.as_str(),
        &report.text,
        report.reporter.to_string(),
        report.created_at.as_microsecond(),
        closure.map(|closure| closure.at.as_microsecond()),
        closure.map(|closure| closure.by.to_string()),
        closure.and_then(|closure| closure.comment.as_deref()),
    );
    let put = "INSERT INTO reports
            (id, package, version, category, text, reporter, created_at, closed_at, closed_by, comment)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at, closed_by = excluded.closed_by,
            comment = excluded.comment";
    sql::run(tx, put, row).map(drop)
}

fn report(row: &Row<'_>) -> Tx<NamedReport> {
    let closed_at: Option<Timestamp> = sql::optional_instant(row, 7)?;
    let closure = match closed_at {
        Some(at) => Some(ReportClosure { at, by: sql::parsed(row, 8)?, comment: row.get(9)? }),
        None => None,
    };
    let version: Option<String> = row.get(2)?;
    let [reporter, closed_by]: [Option<String>; 2] = [row.get(10)?, row.get(11)?];
    Ok(NamedReport {
        report: Report {
            id: sql::parsed(row, 0)?,
            package: sql::parsed(row, 1)?,
            version: version.map(|version| version.parse()).transpose()?,
            category: sql::coded(row, 3, columns::moderation_category)?,
            text: row.get(4)?,
            reporter: sql::parsed(row, 5)?,
            created_at: sql::instant(row, 6)?,
            closure,
        },
        reporter: reporter.map(|name| name.parse()).transpose()?,
        closed_by: closed_by.map(|name| name.parse()).transpose()?,
    })
}
