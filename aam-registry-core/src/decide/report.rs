use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, PackageFacts, PackageReads, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, NamedReport, NewAuditEntry, Report, ReportClosure, ReportId},
};

/// A report to make.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// Who reports.
    pub actor: Actor,
    /// The report.
    pub report: Report,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What a new report is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewReportFacts {
    /// What the actor is to the package, and the version.
    pub package: PackageFacts,
    /// How many reports of the actor are open.
    pub open: u64,
}

impl NewReport {
    /// What has to be loaded of the package.
    pub fn reads(&self) -> PackageReads<'_> {
        PackageReads { version: self.report.version.as_ref(), ..PackageReads::of(&self.actor, &self.report.package) }
    }

    /// Makes the report, of a package that the actor sees; gives it with the version as published.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::PackageNotFound`], [`Error::VersionNotFound`], in this order;
    /// [`Error::QuotaExceeded`] while too many reports of the actor are open.
    pub fn decide(&self, facts: &NewReportFacts) -> Result<Decision<'static, Report>> {
        let reads = self.reads();
        let package = facts.package.authorise(Action::Report, reads, self.report.created_at)?;
        let version = reads.version.map(|wanted| facts.package.require_version(reads.package, wanted)).transpose()?;
        if facts.open >= Report::MAX_OPEN_PER_USER {
            return Err(Error::QuotaExceeded(format!(
                "You have {} open reports, which is the most; wait until a moderator has closed one",
                facts.open
            )));
        }
        let version = version.map(|state| state.version.clone());
        let report = Report { version, reporter: self.actor.user, ..self.report.clone() };
        let changes = Changes {
            writes: vec![Write::PutReport(report.clone())],
            audit: vec![self.audit.clone().with_visibility(package.visibility)],
            invalidates: None,
        };
        Ok(Decision { answer: report, changes })
    }
}

/// A report to close.
#[derive(Clone, Debug)]
pub struct CloseReport {
    /// Who closes it.
    pub actor: Actor,
    /// The report.
    pub id: ReportId,
    /// What to say to the reporter.
    pub comment: Option<String>,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What the closing of a report is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseReportFacts {
    /// Who acts.
    pub caller: CallerFacts,
    /// The report, if it exists.
    pub report: Option<NamedReport>,
}

impl CloseReport {
    /// Closes the report; gives it. One that is closed stays as it is.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`], [`Error::NotFound`], in this order.
    pub fn decide(&self, facts: &CloseReportFacts) -> Result<Decision<'static, NamedReport>> {
        facts.caller.require_live(&self.actor, self.now)?.require_everywhere(Action::CloseReport)?;
        let missing = || Error::NotFound(format!("There is no report {}", self.id));
        let before = facts.report.clone().ok_or_else(missing)?;
        if before.report.closure.is_some() {
            return Ok(Decision::unchanged(before));
        }
        let closure = ReportClosure { at: self.now, by: self.actor.user, comment: self.comment.clone() };
        let report = Report { closure: Some(closure), ..before.report };
        let mut audit = self.audit.clone().with("category", report.category.as_str());
        audit = audit.with("reported", report.package.as_str());
        if let Some(reporter) = &before.reporter {
            audit = audit.with("user", reporter.as_str());
        }
        let writes = vec![Write::PutReport(report.clone())];
        let answer = NamedReport { report, closed_by: Some(self.actor.username.clone()), ..before };
        Ok(Decision { answer, changes: Changes { writes, audit: vec![audit], invalidates: None } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::tests::{NOW, actor, caller, entry, facts, private, user, v},
        error::ErrorCode,
        types::{ReportCategory, ScopeRole},
    };

    fn new(version: Option<&str>) -> NewReport {
        let report = Report {
            id: ReportId::generate(),
            package: "@team/kit".parse().expect("a name"),
            version: version.map(v),
            category: ReportCategory::Malware,
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
        let admin = crate::decide::tests::ADMIN;
        let missing = CloseReportFacts { report: None, ..facts(admin) };
        assert_eq!(close(admin).decide(&missing).expect_err("none").code(), ErrorCode::NotFound);
        let closed = close(admin).decide(&facts(admin)).expect("closed");
        assert_eq!(closed.changes.audit[0].metadata["user"], "ada", "who is told");
        let again = CloseReportFacts { report: Some(closed.answer), ..facts(admin) };
        assert!(close(admin).decide(&again).expect("closed already").changes.writes.is_empty());
    }
}
