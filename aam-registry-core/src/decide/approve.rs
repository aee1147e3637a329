use jiff::Timestamp;

use super::{
    Action, Decision, LatestMove, PackageCommand, PackageFacts, PackageReads, Write, package::package_changes,
};
use crate::{
    error::{Error, Result},
    types::{
        Actor, Approval, ApprovalStatus, LatestPolicy, LatestTag, NewAuditEntry, PackageName, Version, VersionStatus,
    },
};

/// A version to approve or to reject.
#[derive(Clone, Debug)]
pub struct ApprovalDecision {
    /// Who decides.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// What is decided: [`Approved`](ApprovalStatus::Approved) or [`Rejected`](ApprovalStatus::Rejected).
    pub status: ApprovalStatus,
    /// What the approver says about it.
    pub comment: Option<String>,
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl PackageCommand for ApprovalDecision {
    type Answer = Approval;

    fn reads(&self) -> PackageReads<'_> {
        PackageReads { version: Some(&self.version), latest: true, ..PackageReads::of(&self.actor, &self.package) }
    }

    /// Nobody decides about a version of their own. A rejected version may be approved later; an approved one cannot
    /// be rejected any more, since others use it already. A version that is approved gets the tag that was asked for
    /// when it was published, and `latest` is chosen anew.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, Approval>> {
        let (package, found) = facts.authorise_office(Action::Approve, self.reads(), self.now)?;
        if found.published_by == self.actor.user {
            return Err(Error::forbidden(
                "You published this version, so somebody else has to decide about it; ask another approver",
            ));
        }
        let before = found.status;
        if self.status == ApprovalStatus::Pending {
            return Err(Error::invalid_request("`status` is `approved` or `rejected`"));
        }
        if before.approval == ApprovalStatus::Approved && self.status == ApprovalStatus::Rejected {
            return Err(Error::invalid_request(format!(
                "Version {} of {} is approved already and may be in use; yank it, or have it put into quarantine",
                found.version, self.package
            )));
        }
        let status = VersionStatus { approval: self.status, ..before };
        let (at, name, version) = (package.instant(self.now), || self.package.clone(), &found.version);
        let mut writes = vec![Write::AddApproval {
            package: name(),
            version: version.clone(),
            approver: self.actor.user,
            status: self.status,
            comment: self.comment.clone(),
            at,
        }];
        if status != before {
            writes.push(Write::SetStatus { package: name(), version: version.clone(), status });
        }
        if status.is_open() && !before.is_open() && found.yanked.is_none() {
            let wanted = found.wanted_tag.as_ref();
            let mut latest = facts.latest.with_visibility(version, true, self.latest_policy);
            if wanted.is_some_and(|tag| tag.is_latest()) {
                let after = LatestTag::set_by_hand(version.clone(), latest.after.as_ref());
                latest = LatestMove { after: Some(after), ..latest };
            }
            writes.extend(Write::of_latest(&self.package, latest));
            let tag = wanted.filter(|tag| !tag.is_latest()).cloned();
            writes.extend(tag.map(|tag| Write::SetTag { package: name(), tag, version: version.clone() }));
        }
        let answer = Approval {
            approver: Some(self.actor.username.clone()),
            status: self.status,
            comment: self.comment.clone(),
            created_at: at,
        };
        Ok(Decision { answer, changes: package_changes(self, package, at, writes, &self.audit) })
    }
}
