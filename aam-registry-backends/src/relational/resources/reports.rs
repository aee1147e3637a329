use aam_registry_core::{
    decide::{CloseReport, CloseReportFacts, NewReport, NewReportFacts, ReportWrite},
    types::{NamedReport, Page, Report, ReportClosure, ReportFilter, ReportState},
};

use crate::relational::{
    columns::{self, Corrupt},
    transaction::{Row, Step, Transaction, Value, params},
};

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
/// The condition, which every id meets, makes SQLite read the table in the order of its key.
const LIST: &str =
    named_reports!("WHERE r.id > '00000000-0000-0000-0000-000000000000' ORDER BY r.id DESC LIMIT $1 OFFSET $2");
const LIST_OPEN: &str = named_reports!("WHERE r.closed_at IS NULL ORDER BY r.id DESC LIMIT $1 OFFSET $2");
const LIST_CLOSED: &str = named_reports!("WHERE r.closed_at IS NOT NULL ORDER BY r.id DESC LIMIT $1 OFFSET $2");
const COUNT_OPEN: &str = "SELECT count(*) FROM reports WHERE closed_at IS NULL";
const COUNT_CLOSED: &str = "SELECT count(*) FROM reports WHERE closed_at IS NOT NULL";
const PUT: &str = "INSERT INTO reports
        (id, package, version, category, text, reporter, created_at, closed_at, closed_by, comment)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at, closed_by = excluded.closed_by,
        comment = excluded.comment";

/// Locks the reporter first, so that two reports at once count each other.
pub(super) async fn new_report_facts<T: Transaction>(tx: &T, new: &NewReport) -> Result<NewReportFacts, T::Failure> {
    let reporter = Value::id(new.actor.user);
    tx.exists(LOCK_USER, params![reporter.clone()]).await?;
    let package = tx.package(new.reads()).await?;
    Ok(NewReportFacts { package, open: tx.count(OPEN_OF_USER, params![reporter]).await? })
}

/// Locks the actor and the report.
pub(super) async fn close_report_facts<T: Transaction>(
    tx: &T,
    close: &CloseReport,
) -> Result<CloseReportFacts, T::Failure> {
    let caller = tx.caller(&close.actor).await?;
    let report = tx.first(FIND_TO_CHANGE, params![Value::id(close.id)], report).await?;
    Ok(CloseReportFacts { caller, report })
}

/// Reports, newest first.
pub(super) async fn list<T: Transaction>(tx: &T, filter: &ReportFilter) -> Result<Page<NamedReport>, T::Failure> {
    let (counts, list): (&[_], _) = match filter.state {
        None => (&[COUNT_OPEN, COUNT_CLOSED], LIST),
        Some(ReportState::Open) => (&[COUNT_OPEN], LIST_OPEN),
        Some(ReportState::Closed) => (&[COUNT_CLOSED], LIST_CLOSED),
    };
    let mut total = 0;
    for count in counts {
        total += tx.count(count, params![]).await?;
    }
    let request = filter.page;
    let items = tx.all(list, params![request.limit, request.offset()], report).await?;
    Ok(Page { items, total, request })
}

#[expect(clippy::unnecessary_wraps, reason = "every resource has it in this shape, and the writes of some can fail")]
pub(super) fn write(write: ReportWrite) -> Result<Step, Corrupt> {
    let ReportWrite::Put(Report { id, package, version, category, text, reporter, created_at, closure }) = write;
    let row = params![
        Value::id(id),
        package.as_str(),
        version.map(|version| version.to_string()),
        category.as_str(),
        text,
        Value::id(reporter),
        created_at,
        closure.as_ref().map(|closure| closure.at),
        closure.as_ref().map(|closure| Value::id(closure.by)),
        closure.and_then(|closure| closure.comment),
    ];
    Ok(Step::Run(PUT, row))
}

fn report(row: &Row) -> Result<NamedReport, Corrupt> {
    let closure = match row.optional_instant(7)? {
        Some(at) => Some(ReportClosure { at, by: row.id(8)?, comment: row.optional_text(9)? }),
        None => None,
    };
    Ok(NamedReport {
        report: Report {
            id: row.id(0)?,
            package: row.parsed(1)?,
            version: row.optional_parsed(2)?,
            category: row.coded(3, columns::moderation_category)?,
            text: row.text(4)?,
            reporter: row.id(5)?,
            created_at: row.instant(6)?,
            closure,
        },
        reporter: row.optional_parsed(10)?,
        closed_by: row.optional_parsed(11)?,
    })
}
