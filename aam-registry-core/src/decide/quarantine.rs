use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Action, Decision, PackageCommand, PackageFacts, PackageReads, QuarantineState, Write, package::package_changes,
    wanted_tag::SettledTag,
};
use crate::{
    error::{Error, Result},
    types::{
        Actor, DistTag, LatestPolicy, Moderation, ModerationCategory, NewAuditEntry, PackageName, TagRules, Version,
        VersionStatus,
    },
};

/// What a moderator does to a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuarantineChange {
    /// Puts it into quarantine; where it is there already, says anew why.
    Impose {
        /// Why, in one word.
        category: ModerationCategory,
        /// Why, in the moderator's words.
        reason: String,
    },
    /// Lets it out again.
    Lift,
    /// Removes it for good. It has to be in quarantine.
    Remove,
}

/// A version to put into quarantine, to let out or to remove.
#[derive(Clone, Debug)]
pub struct QuarantineCommand {
    /// Who does it.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// What is done.
    pub change: QuarantineChange,
    /// What the operator demands of tags.
    pub tags: TagRules,
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What a moderator did to a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The version as published.
    pub version: Version,
    /// Where it stands.
    pub status: VersionStatus,
    /// The tags that this call moved to another version.
    pub moved_tags: BTreeMap<DistTag, Version>,
    /// The tags that this call removed.
    pub removed_tags: Vec<DistTag>,
    /// Why a tag that its publisher had asked for names it not, now that it may be used.
    pub warning: Option<String>,
}

impl PackageCommand for QuarantineCommand {
    type Answer = Quarantined;

    fn reads(&self) -> PackageReads<'_> {
        PackageReads {
            version: Some(&self.version),
            latest: true,
            gates: true,
            counts_tags: true,
            ..PackageReads::of(&self.actor, &self.package)
        }
    }

    /// A version in quarantine has no tags, and `latest` is chosen without it. Tags that this removed stay removed
    /// when the quarantine is lifted; one that still waited for the version, which was approved in quarantine, is set
    /// if it may be.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, Quarantined>> {
        let (package, found) = facts.authorise_office(Action::Quarantine, self.reads(), self.now)?;
        let (before, version) = (found.status, &found.version);
        let moderation = match &self.change {
            QuarantineChange::Impose { .. } => Moderation::Quarantined,
            QuarantineChange::Lift => Moderation::None,
            QuarantineChange::Remove if before.is_quarantined() => Moderation::Removed,
            QuarantineChange::Remove => {
                return Err(Error::invalid_request(format!(
                    "Version {version} of {} is not in quarantine; put it there first, and remove it then",
                    self.package
                )));
            }
        };
        let status = VersionStatus { moderation, ..before };
        let mut answer = Quarantined {
            version: version.clone(),
            status,
            moved_tags: BTreeMap::new(),
            removed_tags: Vec::new(),
            warning: None,
        };
        if self.change == QuarantineChange::Lift && status == before {
            return Ok(Decision::unchanged(answer));
        }
        let (at, name) = (package.instant(self.now), || self.package.clone());
        let mut writes = Vec::new();
        if status != before {
            writes.push(Write::SetStatus { package: name(), version: version.clone(), status });
        }
        match &self.change {
            QuarantineChange::Impose { category, reason } => writes.push(Write::OpenRecall {
                package: name(),
                version: version.clone(),
                quarantine: QuarantineState { category: *category, reason: reason.clone(), at, by: self.actor.user },
            }),
            QuarantineChange::Lift => {
                writes.push(Write::LiftRecall { package: name(), version: version.clone(), at });
            }
            QuarantineChange::Remove => {
                writes.push(Write::DiscardArchive {
                    package: name(),
                    version: version.clone(),
                    archive: found.archive.clone(),
                    by: self.actor.user,
                });
            }
        }
        if status.is_open() != before.is_open() {
            let visible = status.is_open() && found.yanked.is_none();
            let mut latest = facts.latest.with_visibility(version, visible, self.latest_policy);
            if status.is_open() {
                let settled = SettledTag::of(found, facts, self.reads(), &self.tags, &mut latest);
                writes.extend(settled.writes(found, self.reads()));
                answer.warning = settled.warning();
                answer.moved_tags.extend(settled.set.map(|tag| (tag, version.clone())));
            }
            answer.moved_tags.extend(latest.moved_tags());
            if !found.tags.is_empty() && !status.is_open() {
                answer.removed_tags.clone_from(&found.tags);
                writes.push(Write::RemoveTags { package: name(), tags: found.tags.clone() });
            }
            if latest.is_removal() {
                answer.removed_tags.push(DistTag::latest());
                answer.removed_tags.sort();
            }
            writes.extend(Write::of_latest(&self.package, latest));
        }
        Ok(Decision { answer, changes: package_changes(self, package, at, writes, &self.audit) })
    }
}
