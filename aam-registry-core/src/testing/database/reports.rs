//! Reports of packages.

use futures_util::future::join_all;

use super::world::{actor, admin, audit_by, dead_actors, entry, now, package_name, published, refused, v, with_roles};
use crate::{
    decide::{CloseReport, NewReport, Reports},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database, QueryHandlerExt},
    types::{
        AccountRole, Actor, AuditEvent, ModerationCategory, NamedReport, PackageName, PageRequest, Report,
        ReportFilter, ReportId, ReportState, UserId,
    },
};

fn new(by: &Actor, package: &PackageName, version: Option<&str>) -> NewReport {
    let report = Report {
        id: ReportId::generate(),
        package: package.clone(),
        version: version.map(v),
        category: ModerationCategory::Secret,
        text: "holds a key; \u{1f511} \"quoted\"".into(),
        reporter: UserId::generate(),
        created_at: now(),
        closure: None,
    };
    let audit = entry(AuditEvent::ReportCreate, by).with("report", report.id.to_string());
    NewReport { actor: by.clone(), report, audit }
}

async fn close(db: &dyn Database, by: &Actor, id: ReportId, comment: Option<&str>) -> Result<NamedReport> {
    let audit = entry(AuditEvent::ReportClose, by).with("report", id.to_string());
    let comment = comment.map(str::to_owned);
    db.execute(&CloseReport { actor: by.clone(), id, comment, now: now(), audit }).await
}

/// The reports in a state that are by this user; other tests report, too.
async fn listed(db: &dyn Database, state: Option<ReportState>, by: &Actor) -> Vec<NamedReport> {
    let page = PageRequest { page: 1, limit: 200 };
    let read = db.ask(Reports(ReportFilter { state, page })).await.expect("read");
    assert!(read.total >= read.items.len() as u64);
    read.items.into_iter().filter(|one| one.report.reporter == by.user).collect()
}

/// A report is made, listed newest first with the names of people, and closed once.
pub async fn a_report_is_made_and_closed(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0+b1"]).await;
    let (reporter, moderator) = (actor(db).await, with_roles(db, AccountRole::Moderator.into()).await);
    let first = db.execute(&new(&reporter, &name, Some("1.0.0+other"))).await.expect("reported");
    assert_eq!(first.reporter, reporter.user, "whoever the report names");
    assert_eq!(first.version, Some(v("1.0.0+b1")), "as published");
    let second = db.execute(&new(&reporter, &name, None)).await.expect("reported");
    let open = listed(db, Some(ReportState::Open), &reporter).await;
    assert_eq!(open.iter().map(|one| &one.report).collect::<Vec<_>>(), [&second, &first]);
    assert!(open.iter().all(|one| one.reporter.as_ref() == Some(&reporter.username) && one.closed_by.is_none()));

    let closed = close(db, &moderator, first.id, Some("removed")).await.expect("closed");
    assert_eq!(listed(db, Some(ReportState::Closed), &reporter).await, std::slice::from_ref(&closed));
    assert_eq!(closed.closed_by.as_ref(), Some(&moderator.username));
    assert_eq!(closed.report.closure.as_ref().and_then(|closure| closure.comment.as_deref()), Some("removed"));
    assert_eq!(close(db, &moderator, first.id, None).await.expect("closed already"), closed, "it stays as it is");
    assert_eq!(listed(db, None, &reporter).await.len(), 2);
    assert_eq!(listed(db, Some(ReportState::Open), &reporter).await.len(), 1);
    let entries = audit_by(db, &moderator).await;
    let closed = entries.iter().filter(|one| one.entry.event == AuditEvent::ReportClose);
    let told: Vec<_> = closed.map(|one| one.entry.metadata["user"].clone()).collect();
    assert_eq!(told, [reporter.username.as_str()]);
}

/// What is not there cannot be reported, and a report is made and closed with a live credential by who may.
pub async fn a_report_is_checked(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let reporter = actor(db).await;
    refused(db.execute(&new(&reporter, &package_name(), None)).await, ErrorCode::PackageNotFound);
    refused(db.execute(&new(&reporter, &name, Some("9.9.9"))).await, ErrorCode::VersionNotFound);
    for (what, dead) in dead_actors(db, &reporter).await {
        let made = db.execute(&new(&dead, &name, None)).await;
        assert_eq!(made.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
    }
    let report = db.execute(&new(&reporter, &name, None)).await.expect("reported");
    for by in [&owner, &reporter, &with_roles(db, AccountRole::Auditor.into()).await] {
        refused(close(db, by, report.id, None).await, ErrorCode::Forbidden);
    }
    let keeper = admin(db).await;
    refused(close(db, &keeper, ReportId::generate(), None).await, ErrorCode::NotFound);
    close(db, &keeper, report.id, None).await.expect("administrators moderate");
}

/// However many reports a user makes at once, only so many are open.
pub async fn open_reports_of_a_user_are_few(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0"]).await;
    let (reporter, keeper) = (actor(db).await, admin(db).await);
    let most = usize::try_from(Report::MAX_OPEN_PER_USER).expect("few");
    let wanted: Vec<_> = (0..most + 3).map(|_| new(&reporter, &name, None)).collect();
    let results = join_all(wanted.iter().map(|report| db.execute(report))).await;
    let made: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(made.len(), most);
    for result in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(result.code(), ErrorCode::QuotaExceeded, "{result}");
    }
    close(db, &keeper, made[0].id, None).await.expect("closed");
    db.execute(&new(&reporter, &name, None)).await.expect("there is room for another");
}
