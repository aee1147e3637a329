use super::Registry;
use crate::{
    decide::{Action, CloseReport, NewReport, Reports, Rights},
    error::{Detail, Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt},
    types::{
        AccountFilter, AccountRole, AuditEvent, ModerationCategory, NamedReport, NewAuditEntry, PackageName, Page,
        Principal, Report, ReportFilter, ReportId, Username, Version,
    },
};

/// What somebody reports.
#[derive(Clone, Debug)]
pub struct ReportRequest {
    /// The version, if it is about one.
    pub version: Option<Version>,
    /// What it is about.
    pub category: ModerationCategory,
    /// What is wrong: 1 to [`Report::MAX_TEXT`] characters.
    pub text: String,
}

impl Registry {
    /// Reports a package to the moderators, who hear of it by mail. The package's own audit log does not show who
    /// reported it.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`] for a package that the caller does not see; [`Error::VersionNotFound`];
    /// [`Error::InvalidRequest`]; [`Error::QuotaExceeded`] while too many reports of the caller are open.
    pub async fn report(&self, by: &Principal, name: &PackageName, request: ReportRequest) -> Result<Report> {
        Action::Report.require_credential(by, Some(name))?;
        let text = request.text.trim();
        if text.is_empty() || text.chars().count() > Report::MAX_TEXT {
            let error = format!("is not 1 to {} characters", Report::MAX_TEXT);
            let message = "Say in `text` what is wrong with the package".to_owned();
            return Err(Error::InvalidRequest { message, details: vec![Detail::new("text", error)] });
        }
        let id = ReportId::generate();
        let mut audit = self.report_entry(AuditEvent::ReportCreate, by, id);
        audit = audit.with("category", request.category.as_str()).with("reported", name.as_str());
        if let Some(version) = &request.version {
            audit = audit.with("version", version.to_string());
        }
        let report = Report {
            id,
            package: name.clone(),
            version: request.version,
            category: request.category,
            text: text.to_owned(),
            reporter: by.user,
            created_at: audit.timestamp,
            closure: None,
        };
        let made = self.inner().commands.execute(&NewReport { actor: by.actor(), report, audit }).await?;
        tracing::info!(event = "package_reported", user = %by.username, package = %name, report = %id, "package reported");
        Ok(made)
    }

    /// Reports, newest first; for moderators, administrators and auditors.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn reports(&self, by: &Principal, filter: &ReportFilter) -> Result<Page<NamedReport>> {
        Action::ReadReports.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(Action::ReadReports)?;
        self.inner().queries.ask(Reports(filter.clone())).await
    }

    /// Closes a report; its reporter hears of that by mail. One that is closed stays as it is.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who does not moderate; [`Error::NotFound`]; [`Error::InvalidRequest`] for a comment
    /// that is too long.
    pub async fn close_report(&self, by: &Principal, id: ReportId, comment: Option<String>) -> Result<NamedReport> {
        Action::CloseReport.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(Action::CloseReport)?;
        let comment = comment.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if comment.as_ref().is_some_and(|text| text.chars().count() > Report::MAX_COMMENT) {
            let message = format!("`comment` is longer than {} characters; shorten it", Report::MAX_COMMENT);
            return Err(Error::invalid_request(message));
        }
        let mut audit = self.report_entry(AuditEvent::ReportClose, by, id);
        if let Some(comment) = &comment {
            audit = audit.with("comment", comment.as_str());
        }
        let close = CloseReport { actor: by.actor(), id, comment, now: audit.timestamp, audit };
        let closed = self.inner().commands.execute(&close).await?;
        tracing::info!(event = "report_closed", user = %by.username, report = %id, "report closed");
        Ok(closed)
    }

    /// The names of the accounts that act in a role: those that are not disabled, at most 100.
    pub(crate) async fn holders_of(&self, role: AccountRole) -> Result<Vec<Username>> {
        let filter = AccountFilter { role: Some(role), disabled: Some(false), after: None, limit: 100 };
        let holders = self.inner().accounts.accounts(&filter).await?;
        Ok(holders.into_iter().map(|user| user.username).collect())
    }

    /// An entry of a report. It names the package as a fact and not as what it is about, so that owners do not read in
    /// the log of the package who reported it.
    fn report_entry(&self, event: AuditEvent, by: &Principal, id: ReportId) -> NewAuditEntry {
        self.entry_by(event, by).with("report", id.to_string())
    }
}
