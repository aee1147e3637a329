//! Reports of packages.

use super::{ADMIN, NOW, actor, caller, entry, facts, private, user, v};
use crate::{
    decide::{CloseReport, CloseReportFacts, NewReport, NewReportFacts},
    error::ErrorCode,
    types::{ModerationCategory, NamedReport, Report, ReportId, ScopeRole},
};

fn new(version: Option<&str>) -> NewReport {
    let report = Report {
        id: ReportId::generate(),
        package: "@team/kit".parse().expect("a name"),
        version: version.map(v),
        category: ModerationCategory::Malware,
        text: "It sends the environment away".into(),
        reporter: user(0),
        created_at: NOW,
        closure: None,
    };
    NewReport { actor: actor(1), report, audit: entry() }
}

/// Whoever sees a package may report it, and nobody else learns of it.
#[test]
fn whoever_sees_a_package_may_report_it() {
    let stranger = |is_private| {
        let mut package = facts(&["1.0.0"], "1.0.0");
        package.access.caller = caller(1);
        package.access.package_owner = false;
        if is_private {
            package.access.package = package.access.package.map(private);
        }
        NewReportFacts { package, open: 0 }
    };
    let made = new(Some("1.0.0")).decide(&stranger(false)).expect("reported");
    assert_eq!(made.answer.reporter, user(1), "whoever the report named");
    assert_eq!(made.changes.writes.len(), 1);
    let unseen = new(None).decide(&stranger(true)).expect_err("private");
    assert_eq!(unseen.code(), ErrorCode::PackageNotFound);
    let mut member = stranger(true);
    member.package.access.scope_role = Some(ScopeRole::Contributor);
    let made = new(None).decide(&member).expect("a member sees it");
    assert_eq!(made.changes.audit[0].metadata["visibility"], "private", "kept from the operator's webhooks");
    let mut without = stranger(false);
    without.package.version = None;
    assert_eq!(new(Some("9.9.9")).decide(&without).expect_err("none").code(), ErrorCode::VersionNotFound);
    let many = NewReportFacts { open: Report::MAX_OPEN_PER_USER, ..stranger(false) };
    assert_eq!(new(None).decide(&many).expect_err("too many").code(), ErrorCode::QuotaExceeded);
}

#[test]
fn a_report_is_closed_once_by_who_moderates() {
    let named =
        NamedReport { report: new(None).report, reporter: Some("ada".parse().expect("a name")), closed_by: None };
    let close = |at| CloseReport { actor: actor(at), id: named.report.id, comment: None, now: NOW, audit: entry() };
    let facts = |at| CloseReportFacts { caller: caller(at), report: Some(named.clone()) };
    assert_eq!(close(1).decide(&facts(1)).expect_err("no moderator").code(), ErrorCode::Forbidden);
    let missing = CloseReportFacts { report: None, ..facts(ADMIN) };
    assert_eq!(close(ADMIN).decide(&missing).expect_err("none").code(), ErrorCode::NotFound);
    let closed = close(ADMIN).decide(&facts(ADMIN)).expect("closed");
    assert_eq!(closed.changes.audit[0].metadata["user"], "ada", "who is told");
    let again = CloseReportFacts { report: Some(closed.answer), ..facts(ADMIN) };
    assert!(close(ADMIN).decide(&again).expect("closed already").changes.writes.is_empty());
}
