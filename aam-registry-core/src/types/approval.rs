//! Decisions about versions that need approval.

use jiff::Timestamp;

use crate::types::{ApprovalStatus, DistTag, PackageName, Username, Version, Visibility};

/// One decision about a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who decided; `None` if the account is gone.
    pub approver: Option<Username>,
    /// What was decided: [`Approved`](ApprovalStatus::Approved) or [`Rejected`](ApprovalStatus::Rejected).
    pub status: ApprovalStatus,
    /// What the approver says about it.
    pub comment: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// A version that waits for approval, or was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingVersion {
    /// The package.
    pub package: PackageName,
    /// Who may see the package.
    pub visibility: Visibility,
    /// The version as published.
    pub version: Version,
    /// Who published it.
    pub published_by: Username,
    /// When.
    pub published_at: Timestamp,
    /// Where it stands: an approved one may be used already, and only its tag waits.
    pub status: ApprovalStatus,
    /// The dist-tag that its publisher asked for and that will name it once it is approved.
    pub tag: Option<DistTag>,
}
