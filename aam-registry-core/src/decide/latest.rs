//! What `latest` becomes.

use std::collections::BTreeMap;

use crate::types::{DistTag, LatestPolicy, LatestTag, PublishedVersion, Version, VersionStatus};

/// What `latest` names, and what it is chosen from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatestFacts {
    /// What it names.
    pub tag: Option<LatestTag>,
    /// Every version in the order of publishing, and whether it may be chosen.
    pub published: Vec<PublishedVersion>,
}

/// What `latest` was and what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatestMove {
    /// What it was.
    pub before: Option<LatestTag>,
    /// What it is.
    pub after: Option<LatestTag>,
}

impl LatestFacts {
    /// What becomes of it once `version` may be chosen or not; a version that
    /// is not there yet is published last.
    pub(super) fn with_visibility(&self, version: &Version, visible: bool, policy: LatestPolicy) -> LatestMove {
        let mut published = self.published.clone();
        match published.iter_mut().find(|one| one.version == *version) {
            Some(known) => known.visible = visible,
            None => {
                let status = VersionStatus::OPEN;
                published.push(PublishedVersion { version: version.clone(), visible, status });
            }
        }
        LatestMove { before: self.tag.clone(), after: policy.recompute(self.tag.as_ref(), &published) }
    }

    /// What it becomes if somebody sets it to `version`.
    pub(super) fn set_by_hand(&self, version: &Version) -> LatestMove {
        let after = LatestTag::set_by_hand(version.clone(), self.tag.as_ref());
        LatestMove { before: self.tag.clone(), after: Some(after) }
    }
}

impl LatestMove {
    /// Whether anything about it is another.
    pub fn is_change(&self) -> bool {
        self.before != self.after
    }

    /// Whether it names another version, or none any more.
    pub fn names_another(&self) -> bool {
        let version = |tag: &Option<LatestTag>| tag.as_ref().map(|tag| tag.version.clone());
        version(&self.before) != version(&self.after)
    }

    /// Whether it named a version and names none.
    pub(super) fn is_removal(&self) -> bool {
        self.before.is_some() && self.after.is_none()
    }

    /// `latest`, if it names another version than before.
    pub(super) fn moved_tags(&self) -> BTreeMap<DistTag, Version> {
        let moved = self.after.as_ref().filter(|_| self.names_another());
        moved.map(|tag| (DistTag::latest(), tag.version.clone())).into_iter().collect()
    }
}
