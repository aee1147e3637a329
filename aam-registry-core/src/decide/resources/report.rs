use jiff::Timestamp;

use crate::{
    decide::{Action, CallerFacts, ChangesOf, DecisionOf, PackageFacts, PackageReads},
    error::{Error, Result},
    types::{Actor, NamedReport, NewAuditEntry, Report, ReportClosure, ReportId},
};

/// What is written of reports.
#[derive(Clone, Debug)]
pub enum ReportWrite {
    /// Makes a report, or replaces the one with its id.
    Put(Report),
}

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
    pub fn decide(&self, facts: &NewReportFacts) -> Result<DecisionOf<Report, ReportWrite>> {
        let reads = self.reads();
        let package = facts.package.authorise(Action::Report, reads, self.report.created_at)?;
        let version = reads.version.map(|_| facts.package.require_version(reads)).transpose()?;
        if facts.open >= Report::MAX_OPEN_PER_USER {
            return Err(Error::QuotaExceeded(format!(
                "You have {} open reports, which is the most; wait until a moderator has closed one",
                facts.open
            )));
        }
        let version = version.map(|state| state.version.clone());
        let report = Report { version, reporter: self.actor.user, ..self.report.clone() };
        let changes = ChangesOf {
            writes: vec![ReportWrite::Put(report.clone())],
            audit: vec![self.audit.clone().with_visibility(package.visibility)],
            invalidates: None,
        };
        Ok(DecisionOf { answer: report, changes })
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
    pub fn decide(&self, facts: &CloseReportFacts) -> Result<DecisionOf<NamedReport, ReportWrite>> {
        facts.caller.require_live(&self.actor, self.now)?.require_everywhere(Action::CloseReport)?;
        let missing = || Error::NotFound(format!("There is no report {}", self.id));
        let before = facts.report.clone().ok_or_else(missing)?;
        if before.report.closure.is_some() {
            return Ok(DecisionOf::unchanged(before));
        }
        let closure = ReportClosure { at: self.now, by: self.actor.user, comment: self.comment.clone() };
        let report = Report { closure: Some(closure), ..before.report };
        let mut audit = self.audit.clone().with("category", report.category.as_str());
        audit = audit.with("reported", report.package.as_str());
        if let Some(reporter) = &before.reporter {
            audit = audit.with("user", reporter.as_str());
        }
        let writes = vec![ReportWrite::Put(report.clone())];
        let answer = NamedReport { report, closed_by: Some(self.actor.username.clone()), ..before };
        Ok(DecisionOf { answer, changes: ChangesOf { writes, audit: vec![audit], invalidates: None } })
    }
}
