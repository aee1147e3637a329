use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, version::Checksum};
use crate::{
    decide::{Decided, Quarantined},
    registry::Approvals,
    types::{Approval, Moderation, PackageName, Page, Recall, RecallList, Version, VersionStatus, WaitingVersion},
};

/// A decision about a version.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ApprovalRequest {
    /// `approved` (default) or `rejected`.
    #[schemars(extend("enum" = ["approved", "rejected"]))]
    pub(crate) status: Option<String>,
    /// For the publisher and the record.
    #[schemars(length(max = 512))]
    pub(crate) comment: Option<String>,
}

/// A decision that was made.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approval")]
pub(crate) struct ApprovalAnswer {
    /// The package's full name, `@` and the version.
    version_id: String,
    /// A username; `null` if the account is gone.
    approver: Option<String>,
    /// `approved` or `rejected`.
    status: &'static str,
    comment: Option<String>,
    created_at: Time,
}

impl ApprovalAnswer {
    pub(crate) fn new(package: &PackageName, version: &Version, approval: Approval) -> Self {
        Self {
            version_id: format!("{package}@{version}"),
            approver: approval.approver.map(|approver| approver.to_string()),
            status: approval.status.as_str(),
            comment: approval.comment,
            created_at: approval.created_at.into(),
        }
    }
}

/// A decision that was made now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DecidedApproval")]
pub(crate) struct DecidedAnswer {
    #[serde(flatten)]
    approval: ApprovalAnswer,
    /// The dist-tag that the publisher had asked for and that names the version from now on; `null` if there is none.
    tag: Option<String>,
    /// What the approver has to know, such as why that dist-tag was not set.
    warnings: Vec<String>,
}

impl DecidedAnswer {
    pub(crate) fn new(package: &PackageName, version: &Version, decided: Decided) -> Self {
        Self {
            approval: ApprovalAnswer::new(package, version, decided.approval),
            tag: decided.tag.map(|tag| tag.to_string()),
            warnings: decided.warning.into_iter().collect(),
        }
    }
}

/// The decisions about a version.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approvals")]
pub(crate) struct ApprovalsAnswer {
    /// The package's full name.
    package: String,
    version: String,
    /// `approved` if no approval is required, else `pending` until somebody decides.
    approval_status: &'static str,
    /// Oldest first.
    approvals: Vec<ApprovalAnswer>,
}

impl ApprovalsAnswer {
    pub(crate) fn new(package: &PackageName, approvals: Approvals) -> Self {
        let Approvals { version, status, approvals } = approvals;
        let answer = |approval| ApprovalAnswer::new(package, &version, approval);
        Self {
            package: package.to_string(),
            approval_status: status.as_str(),
            approvals: approvals.into_iter().map(answer).collect(),
            version: version.to_string(),
        }
    }
}

/// A page of versions that wait for approval or were rejected.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WaitingPage {
    /// Oldest first.
    versions: Vec<WaitingRow>,
    /// Versions on all pages.
    total: u64,
    page: u64,
    /// How many pages there are; 0 where there is nothing.
    pages: u64,
}

/// A version that waits for approval or was rejected.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WaitingVersion")]
struct WaitingRow {
    /// The package's full name.
    package: String,
    version: String,
    /// Who may see the package: `public` or `private`.
    visibility: &'static str,
    /// The username of the publisher.
    published_by: String,
    published_at: Time,
    /// `pending` or `rejected`; `approved` if the version may be used and only its dist-tag waits.
    approval_status: &'static str,
    /// The dist-tag that the publisher asked for, and that waits for the approval.
    tag: Option<String>,
}

impl From<Page<WaitingVersion>> for WaitingPage {
    fn from(page: Page<WaitingVersion>) -> Self {
        let (total, pages) = (page.total, page.pages());
        let rows = page.items.into_iter().map(|version| WaitingRow {
            package: version.package.to_string(),
            version: version.version.to_string(),
            visibility: version.visibility.as_str(),
            published_by: version.published_by.to_string(),
            published_at: version.published_at.into(),
            approval_status: version.status.as_str(),
            tag: version.tag.map(|tag| tag.to_string()),
        });
        Self { versions: rows.collect(), total, page: page.request.page, pages }
    }
}

/// Why a version is put into quarantine.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct QuarantineRequest {
    /// Why, for those who have the version.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"\S"))]
    pub(crate) reason: String,
    /// `malware`, `secret`, `abuse`, `legal` or `other`.
    #[schemars(extend("enum" = ["malware", "secret", "abuse", "legal", "other"]))]
    pub(crate) category: String,
}

/// Where a version stands after a moderator decided.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Moderated")]
pub(crate) struct ModeratedAnswer {
    /// The package's full name.
    package: String,
    version: String,
    /// `quarantined`, `released` or `removed`.
    state: &'static str,
    /// The dist-tags that now name another version.
    moved_tags: BTreeMap<String, String>,
    /// The dist-tags that were removed.
    removed_tags: Vec<String>,
    /// What the moderator has to know, such as why a dist-tag that waited for the version was not set.
    warnings: Vec<String>,
}

impl ModeratedAnswer {
    pub(crate) fn new(package: &PackageName, done: &Quarantined) -> Self {
        let VersionStatus { moderation, .. } = &done.status;
        Self {
            package: package.to_string(),
            version: done.version.to_string(),
            state: match moderation {
                Moderation::None => "released",
                Moderation::Quarantined => "quarantined",
                Moderation::Removed => "removed",
            },
            moved_tags: done.moved_tags.iter().map(|(tag, version)| (tag.to_string(), version.to_string())).collect(),
            removed_tags: done.removed_tags.iter().map(ToString::to_string).collect(),
            warnings: done.warning.iter().cloned().collect(),
        }
    }
}

/// Recalls.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Recalls")]
pub(crate) struct RecallsAnswer {
    /// In the order in which they were made or lifted; at most 1,000.
    recalls: Vec<RecallRow>,
    /// The value of `since` for the next part; `null` if this is the last.
    next_since: Option<Time>,
}

/// A version that was put into quarantine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Recall")]
struct RecallRow {
    /// The package's full name.
    package: String,
    version: String,
    #[serde(flatten)]
    checksum: Checksum,
    /// `malware`, `secret`, `abuse`, `legal` or `other`.
    category: &'static str,
    reason: String,
    at: Time,
    /// Since when the version is out of quarantine again; `null` while it is in it, and if it was removed.
    lifted_at: Option<Time>,
}

impl From<Recall> for RecallRow {
    fn from(recall: Recall) -> Self {
        Self {
            package: recall.package.to_string(),
            version: recall.version.to_string(),
            checksum: recall.sha256.into(),
            category: recall.category.as_str(),
            reason: recall.reason,
            at: recall.at.into(),
            lifted_at: recall.lifted_at.map(Time::from),
        }
    }
}

impl From<RecallList> for RecallsAnswer {
    fn from(list: RecallList) -> Self {
        let recalls = list.recalls.into_iter().map(RecallRow::from).collect();
        Self { recalls, next_since: list.next_since.map(Time::from) }
    }
}
