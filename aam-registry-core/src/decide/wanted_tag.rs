//! The tag that a publish asked for and that waited for the version's approval.

use super::{
    LatestMove, PackageFacts, PackageReads, VersionState, Write,
    tag::{OtherTags, require_settable},
};
use crate::types::{DistTag, LatestTag, TagRules};

/// What becomes of a tag that waited for a version, now that the version may be used.
#[derive(Clone, Debug, Default)]
pub(super) struct SettledTag {
    /// The tag that names the version from now on, if it is not `latest`.
    pub(super) set: Option<DistTag>,
    /// Why the tag that was waited for names it not.
    pub(super) refused: Option<(DistTag, String)>,
}

impl SettledTag {
    /// Sets the tag that waited for `found`, if it may be set as if it were set by hand at this moment. Either way it
    /// waits no more. `latest` is moved, if that is the tag.
    pub(super) fn of(
        found: &VersionState,
        facts: &PackageFacts,
        by: PackageReads<'_>,
        rules: &TagRules,
        latest: &mut LatestMove,
    ) -> Self {
        let Some(tag) = found.wanted_tag.clone() else { return Self::default() };
        if found.yanked.is_some() {
            return Self { set: None, refused: Some((tag, "the version is yanked".to_owned())) };
        }
        if tag.is_latest() {
            let after = LatestTag::set_by_hand(found.version.clone(), latest.after.as_ref());
            latest.after = Some(after);
            return Self::default();
        }
        let others = OtherTags { exists: found.wanted_tag_is_set, count: facts.tag_count, gates: &facts.gates };
        match require_settable(rules, others, by.package, &tag, found) {
            Ok(()) => Self { set: Some(tag), refused: None },
            Err(error) => {
                let wanting: Vec<_> =
                    error.details().iter().map(|detail| format!("{}: {}", detail.field, detail.error)).collect();
                let wanting = if wanting.is_empty() { String::new() } else { format!(" ({})", wanting.join(", ")) };
                Self { set: None, refused: Some((tag, format!("{error}{wanting}"))) }
            }
        }
    }

    /// What is written about it.
    pub(super) fn writes(&self, found: &VersionState, by: PackageReads<'_>) -> Vec<Write<'static>> {
        let (package, version) = (|| by.package.clone(), || found.version.clone());
        let set = self.set.clone().map(|tag| Write::SetTag { package: package(), tag, version: version() });
        let settled = found.wanted_tag.as_ref();
        let settled = settled.map(|_| Write::SetWantedTag { package: package(), version: version(), tag: None });
        set.into_iter().chain(settled).collect()
    }

    /// What whoever made the version usable is told.
    pub(super) fn warning(&self) -> Option<String> {
        let (tag, why) = self.refused.as_ref()?;
        Some(format!("the dist-tag `{tag}`, which its publisher asked for, was not set: {why}"))
    }
}
