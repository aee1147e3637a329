use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;
use crate::types::{NamedReport, Page, Report};

/// What is wrong with a package.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReportRequest {
    /// The version that it is about, if it is about one.
    pub(crate) version: Option<String>,
    /// `malware`, `secret`, `abuse`, `legal` or `other`.
    pub(crate) category: String,
    /// What is wrong: 1 to 4,000 characters.
    pub(crate) text: String,
}

/// What becomes of a report.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReportChangeRequest {
    /// `closed`.
    pub(crate) state: String,
    /// What to say to the reporter, at most 1,000 characters.
    pub(crate) comment: Option<String>,
}

/// A report, as its reporter gets it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReportAnswer {
    id: String,
    package: String,
    version: Option<String>,
    category: &'static str,
    text: String,
    /// `open` or `closed`.
    state: &'static str,
    created_at: Time,
}

impl From<Report> for ReportAnswer {
    fn from(report: Report) -> Self {
        let state = report.state().as_str();
        Self {
            id: report.id.to_string(),
            package: report.package.to_string(),
            version: report.version.map(|version| version.to_string()),
            category: report.category.as_str(),
            text: report.text,
            state,
            created_at: report.created_at.into(),
        }
    }
}

/// A report, as moderators see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NamedReportAnswer {
    #[serde(flatten)]
    report: ReportAnswer,
    /// The username of the reporter; `null` if the account is gone.
    reporter: Option<String>,
    closed_at: Option<Time>,
    /// The username of who closed it.
    closed_by: Option<String>,
    /// What was said to the reporter.
    comment: Option<String>,
}

impl From<NamedReport> for NamedReportAnswer {
    fn from(named: NamedReport) -> Self {
        let NamedReport { report, reporter, closed_by } = named;
        let (closed_at, comment) = report.closure.clone().map(|closure| (closure.at.into(), closure.comment)).unzip();
        Self {
            report: report.into(),
            reporter: reporter.map(|name| name.to_string()),
            closed_at,
            closed_by: closed_by.map(|name| name.to_string()),
            comment: comment.flatten(),
        }
    }
}

/// A page of reports, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReportsPage {
    reports: Vec<NamedReportAnswer>,
    /// Reports on all pages.
    total: u64,
    /// The page this is.
    page: u64,
    /// How many pages there are; 0 where there are no reports.
    pages: u64,
}

impl From<Page<NamedReport>> for ReportsPage {
    fn from(page: Page<NamedReport>) -> Self {
        let (total, pages, number) = (page.total, page.pages(), page.request.page);
        Self { reports: page.items.into_iter().map(NamedReportAnswer::from).collect(), total, page: number, pages }
    }
}
