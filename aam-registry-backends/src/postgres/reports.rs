use aam_registry_core::{
    decide::{CloseReport, CloseReportFacts, NewReport, NewReportFacts},
    types::{NamedReport, Page, Report, ReportClosure, ReportFilter, ReportState},
};
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    connection::Session,
    facts,
    failure::Tx,
    sql::{self, Text},
};
use crate::relational::columns;

/// What [`report`] reads.
macro_rules! named_reports {
    ($condition:literal) => {
        concat!(
            "SELECT r.id, r.package, r.version, r.category, r.text, r.reporter, r.created_at, r.closed_at,
                r.closed_by, r.comment, u.username, c.username
            FROM reports r LEFT JOIN users u ON u.id = r.reporter LEFT JOIN users c ON c.id = r.closed_by ",
            $condition
        )
    };
}

const FIND_TO_CHANGE: &str = named_reports!("WHERE r.id = $1 FOR NO KEY UPDATE OF r");
/// Those of one user who is locked, so that none is added before the commit.
const OPEN_OF_USER: &str = "SELECT count(*) FROM reports WHERE reporter = $1 AND closed_at IS NULL";
const LOCK_USER: &str = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE";
const LIST: &str = named_reports!("ORDER BY r.id DESC LIMIT $1 OFFSET $2");
const LIST_OPEN: &str = named_reports!("WHERE r.closed_at IS NULL ORDER BY r.id DESC LIMIT $1 OFFSET $2");
const LIST_CLOSED: &str = named_reports!("WHERE r.closed_at IS NOT NULL ORDER BY r.id DESC LIMIT $1 OFFSET $2");
const COUNT: &str = "SELECT (SELECT count(*) FROM reports WHERE closed_at IS NULL)
    + (SELECT count(*) FROM reports WHERE closed_at IS NOT NULL)";
const COUNT_OPEN: &str = "SELECT count(*) FROM reports WHERE closed_at IS NULL";
const COUNT_CLOSED: &str = "SELECT count(*) FROM reports WHERE closed_at IS NOT NULL";
pub(super) const PUT: &str = "INSERT INTO reports
        (id, package, version, category, text, reporter, created_at, closed_at, closed_by, comment)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at, closed_by = excluded.closed_by,
        comment = excluded.comment";

/// Locks the reporter first, so that two reports at once count each other.
pub(super) async fn new_report_facts(tx: &Session, new: &NewReport) -> Tx<NewReportFacts> {
    let reporter = Uuid::from(new.actor.user);
    sql::first(tx, LOCK_USER, [&reporter], |_| Ok(())).await?;
    let package = facts::package(tx, new.reads()).await?;
    let open = sql::first(tx, OPEN_OF_USER, [&reporter], |row| sql::unsigned(row, 0)).await?;
    Ok(NewReportFacts { package, open: open.unwrap_or_default() })
}

/// Locks the actor and the report.
pub(super) async fn close_report_facts(tx: &Session, close: &CloseReport) -> Tx<CloseReportFacts> {
    let caller = facts::caller(tx, &close.actor).await?;
    let report = sql::first(tx, FIND_TO_CHANGE, [&Uuid::from(close.id)], report).await?;
    Ok(CloseReportFacts { caller, report })
}

/// Reports, newest first.
pub(super) async fn list(tx: &Session, filter: &ReportFilter) -> Tx<Page<NamedReport>> {
    let (count, list) = match filter.state {
        None => (COUNT, LIST),
        Some(ReportState::Open) => (COUNT_OPEN, LIST_OPEN),
        Some(ReportState::Closed) => (COUNT_CLOSED, LIST_CLOSED),
    };
    let total = sql::first(tx, count, [], |row| sql::unsigned(row, 0)).await?.unwrap_or_default();
    let request = filter.page;
    let (limit, offset) = (columns::signed(request.limit), columns::signed(request.offset()));
    let items = sql::all(tx, list, [&limit, &offset], report).await?;
    Ok(Page { items, total, request })
}

/// Makes a report, or makes it what it is from now on.
pub(super) async fn put(tx: &Session, report: &Report) -> Tx<()> {
    let closure = report.closure.as_ref();
    let version = report.version.as_ref().map(ToString::to_string);
    let row: [&(dyn ToSql + Sync); 10] = [
        &Uuid::from(report.id),
        &report.package.as_str(),
        &version,
        &report.category.as_str(),
        &Text(&report.text),
        &Uuid::from(report.reporter),
        &report.created_at.as_microsecond(),
        &closure.map(|closure| closure.at.as_microsecond()),
        &closure.map(|closure| Uuid::from(closure.by)),
        &closure.and_then(|closure| closure.comment.as_deref()).map(Text),
    ];
    sql::run(tx, PUT, row).await.map(drop)
}

fn report(row: &Row) -> Tx<NamedReport> {
    let closed_at: Option<Timestamp> = sql::optional_instant(row, 7)?;
    let closure = match closed_at {
        Some(at) => Some(ReportClosure { at, by: sql::id(row, 8)?, comment: sql::optional_text(row, 9)? }),
        None => None,
    };
    let name = |at: usize| row.try_get::<_, Option<&str>>(at);
    Ok(NamedReport {
        report: Report {
            id: sql::id(row, 0)?,
            package: sql::parsed(row, 1)?,
            version: name(2)?.map(str::parse).transpose()?,
            category: sql::coded(row, 3, columns::moderation_category)?,
            text: sql::text(row, 4)?,
            reporter: sql::id(row, 5)?,
            created_at: sql::instant(row, 6)?,
            closure,
        },
        reporter: name(10)?.map(str::parse).transpose()?,
        closed_by: name(11)?.map(str::parse).transpose()?,
    })
}
