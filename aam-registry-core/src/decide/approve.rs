use jiff::Timestamp;

use super::{
    Action, Decision, LatestMove, PackageCommand, PackageFacts, PackageReads, Write, package::package_changes,
    wanted_tag::SettledTag,
};
use crate::{
    error::{Error, Result},
    types::{
        Actor, Approval, ApprovalStatus, DistTag, LatestPolicy, NewAuditEntry, PackageName, TagRules, Version,
        VersionStatus,
    },
};

/// The fact of an entry about a decision that says that others saw the version before.
pub(crate) const WAS_OPEN: &str = "was_open";

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
    /// What the operator demands of tags.
    pub tags: TagRules,
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What was decided about a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The decision.
    pub approval: Approval,
    /// The tag that its publisher had asked for and that names it from now on.
    pub tag: Option<DistTag>,
    /// Why a tag that its publisher had asked for names it not.
    pub warning: Option<String>,
}

impl PackageCommand for ApprovalDecision {
    type Answer = Decided;

    fn reads(&self) -> PackageReads<'_> {
        PackageReads {
            version: Some(&self.version),
            latest: true,
            gates: true,
            counts_tags: true,
            ..PackageReads::of(&self.actor, &self.package)
        }
    }

    /// Nobody decides about a version of their own. A rejected version may be approved later; an approved one cannot
    /// be rejected any more, since others use it already, only the tag that waits for it. A version that is approved
    /// gets the tag that was asked for when it was published, if that tag may be set, and `latest` is chosen anew.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, Decided>> {
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
        let is_rejected = self.status == ApprovalStatus::Rejected;
        let rejects_tag = is_rejected && before.approval == ApprovalStatus::Approved && found.wanted_tag.is_some();
        if before.approval == ApprovalStatus::Approved && is_rejected && !rejects_tag {
            return Err(Error::invalid_request(format!(
                "Version {} of {} is approved already and may be in use; yank it, or have it put into quarantine",
                found.version, self.package
            )));
        }
        let status = if rejects_tag { before } else { VersionStatus { approval: self.status, ..before } };
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
        let mut settled = SettledTag::default();
        if rejects_tag {
            writes.push(Write::SetWantedTag { package: name(), version: version.clone(), tag: None });
        } else if status.is_open() {
            let mut latest = if before.is_open() || found.yanked.is_some() {
                LatestMove { before: facts.latest.tag.clone(), after: facts.latest.tag.clone() }
            } else {
                facts.latest.with_visibility(version, true, self.latest_policy)
            };
            // The decision that is being made counts.
            let found = super::VersionState { last_decision: Some(self.status), ..found.clone() };
            settled = SettledTag::of(&found, facts, self.reads(), &self.tags, &mut latest);
            writes.extend(Write::of_latest(&self.package, latest));
            writes.extend(settled.writes(&found, self.reads()));
        }
        let approval = Approval {
            approver: Some(self.actor.username.clone()),
            status: self.status,
            comment: self.comment.clone(),
            created_at: at,
        };
        let mut audit = self.audit.clone();
        if let Some(tag) = found.wanted_tag.as_ref() {
            let is_set = !rejects_tag && status.is_open() && settled.refused.is_none();
            audit = audit.with("tag", tag.as_str()).with("tag_is_set", is_set);
        }
        if before.is_open() {
            audit = audit.with(WAS_OPEN, true);
        }
        let answer = Decided { approval, tag: settled.set.clone(), warning: settled.warning() };
        Ok(Decision { answer, changes: package_changes(self, package, at, writes, &audit) })
    }
}
