use std::collections::BTreeSet;

use super::{Registry, View, version_changes::message};
use crate::{
    decide::{Action, ApprovalDecision, Decided, Rights},
    error::{Error, Result},
    ports::{ApprovalsOf, CommandHandlerExt, QueryHandlerExt, VersionsByApproval},
    types::{
        Approval, ApprovalStatus, AuditEvent, PackageName, Page, PageRequest, Principal, Reach, Username, Version,
        Visibility, WaitingVersion,
    },
};

/// The fact of an entry about a decision that says whose version it is about.
pub(crate) const PUBLISHER: &str = "publisher";

/// The decisions about a version, and what follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvals {
    /// The version as published.
    pub version: Version,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// The decisions, oldest first.
    pub approvals: Vec<Approval>,
}

impl Registry {
    /// Approves a version that waits for it, or rejects it; gives the version as published and the decision.
    ///
    /// # Errors
    /// [`Error::Forbidden`], also for a version of one's own; [`Error::PackageNotFound`],
    /// [`Error::VersionNotFound`], [`Error::VersionGone`]; [`Error::InvalidRequest`] for rejecting what is approved.
    pub async fn decide_approval(
        &self,
        by: &Principal,
        name: &PackageName,
        version: &Version,
        status: ApprovalStatus,
        comment: Option<String>,
    ) -> Result<(Version, Decided)> {
        self.require_office_right(by, Action::Approve, name).await?;
        let comment = message("comment", comment)?;
        let seen = self.seen_by(by).version(name, version).await?;
        let version = seen.summary.version;
        let event = match status {
            ApprovalStatus::Rejected => AuditEvent::VersionReject,
            _ => AuditEvent::VersionApprove,
        };
        let mut audit = self.entry(event, by, name).with_version(&version).with(PUBLISHER, seen.published_by.as_str());
        if let Some(comment) = &comment {
            audit = audit.with("comment", comment.as_str());
        }
        let decision = ApprovalDecision {
            actor: by.actor(),
            package: name.clone(),
            version: version.clone(),
            status,
            comment,
            tags: self.policy().tags.clone(),
            latest_policy: self.policy().latest,
            now: audit.timestamp,
            audit,
        };
        let decided = self.inner().commands.execute(&decision).await?;
        tracing::info!(
            event = "version_decided_on",
            user = %by.username,
            package = %name,
            version = %version,
            status = status.as_str(),
            "decided whether a version may be used",
        );
        Ok((version, decided))
    }

    /// The versions that wait for approval, or were rejected, oldest first. For approvers.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::InvalidRequest`] for the approved ones.
    pub async fn versions_by_approval(
        &self,
        by: &Principal,
        status: ApprovalStatus,
        page: PageRequest,
    ) -> Result<Page<WaitingVersion>> {
        Self::require_office(by, Action::ListWaiting)?;
        if status == ApprovalStatus::Approved {
            return Err(Error::invalid_request("`state` is `pending` or `rejected`; every other version is approved"));
        }
        let waiting = self.inner().queries.ask(VersionsByApproval((status, page))).await?;
        // What is private is told by the role alone, so each package is on record.
        let private = waiting.items.iter().filter(|version| version.visibility.is_private());
        let packages: BTreeSet<_> = private.map(|version| &version.package).collect();
        for package in packages {
            let entry = self.entry(AuditEvent::AdminRead, by, package).with_visibility(Visibility::Private);
            self.inner().audit.append(&entry).await?;
        }
        Ok(waiting)
    }

    /// Requires a role in the whole registry for something that is about no single package.
    fn require_office(by: &Principal, action: Action) -> Result<()> {
        action.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(action)
    }
}

impl View<'_> {
    /// The decisions about a version.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`], [`Error::VersionGone`].
    pub async fn approvals(&self, name: &PackageName, version: &Version) -> Result<Approvals> {
        let summary = self.version(name, version).await?.summary;
        let approvals = self.inner().queries.ask(ApprovalsOf((name.clone(), summary.version.clone()))).await?;
        Ok(Approvals { version: summary.version, status: summary.status.approval, approvals })
    }
}

impl Registry {
    /// The owners of a package, whoever sees it, by name.
    pub(crate) async fn owners_to_tell(&self, package: &PackageName) -> Result<Vec<Username>> {
        Ok(self.inner().packages.owners(package, Reach::Everything).await?.unwrap_or_default())
    }
}
