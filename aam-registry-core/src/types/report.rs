//! Reports of packages that should not be there as they are.

use jiff::Timestamp;

use crate::types::{ModerationCategory, PackageName, PageRequest, UserId, Username, Version, id::id};

id! {
    /// Identifies a report.
    ReportId
}

/// Whether somebody still has to look at a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportState {
    /// Nobody has closed it yet.
    Open,
    /// A moderator has closed it.
    Closed,
}

impl ReportState {
    /// Both states.
    pub const ALL: [Self; 2] = [Self::Open, Self::Closed];

    /// The state as text: `open`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads the state's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a user says of a package to the moderators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// The package.
    pub package: PackageName,
    /// The version, if it is about one.
    pub version: Option<Version>,
    /// What it is about.
    pub category: ModerationCategory,
    /// What the reporter says.
    pub text: String,
    /// Who reports.
    pub reporter: UserId,
    /// When.
    pub created_at: Timestamp,
    /// How it was closed.
    pub closure: Option<ReportClosure>,
}

/// How a report was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportClosure {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: UserId,
    /// What the moderator says to the reporter.
    pub comment: Option<String>,
}

impl Report {
    /// The longest text of a report, in characters.
    pub const MAX_TEXT: usize = 4_000;
    /// The longest comment of a moderator, in characters.
    pub const MAX_COMMENT: usize = 1_000;
    /// The most reports of one user that may be open at a time.
    pub const MAX_OPEN_PER_USER: u64 = 20;

    /// Whether somebody still has to look at it.
    pub fn state(&self) -> ReportState {
        if self.closure.is_some() { ReportState::Closed } else { ReportState::Open }
    }
}

/// A report with the names of the people in it. A name is `None` if there is no such account any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedReport {
    /// The report.
    pub report: Report,
    /// Who reports.
    pub reporter: Option<Username>,
    /// Who closed it.
    pub closed_by: Option<Username>,
}

/// Which reports to list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFilter {
    /// Only those in this state.
    pub state: Option<ReportState>,
    /// The page.
    pub page: PageRequest,
}
