//! What the dist-tag `latest` names.

use crate::types::{ApprovalStatus, Version, VersionStatus};

/// Which version the dist-tag `latest` follows (`LATEST_TAG_POLICY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LatestPolicy {
    /// The highest release; if there is none, the highest pre-release.
    #[default]
    Highest,
    /// The one published last.
    Newest,
}

/// A version of a package with what decides about `latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedVersion {
    /// The version.
    pub version: Version,
    /// Whether `latest` may name it: it is not yanked, and everybody sees it who sees the package.
    pub visible: bool,
    /// Where it stands.
    pub status: VersionStatus,
}

impl PublishedVersion {
    /// Whether it has this approval status, and moderators did nothing to it.
    pub(crate) fn waits_for(&self, approval: ApprovalStatus) -> bool {
        self.status == VersionStatus { approval, ..VersionStatus::OPEN }
    }

    /// A version that was yanked or not and stands so.
    pub fn new(version: Version, is_yanked: bool, status: VersionStatus) -> Self {
        Self { version, visible: !is_yanked && status.is_open(), status }
    }
}

/// The version that `latest` names, and whether an owner chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestTag {
    /// The version it names.
    pub version: Version,
    /// The version that the policy had picked when an owner set the tag by hand; `None` if the tag
    /// follows the policy.
    pub instead_of: Option<Version>,
}

impl LatestTag {
    /// The tag after an owner set it to `version`; `before` is the tag until then.
    pub fn set_by_hand(version: Version, before: Option<&Self>) -> Self {
        let picked = before.map(|tag| tag.instead_of.as_ref().unwrap_or(&tag.version));
        // If the owner chooses the version that the policy picks, the tag keeps following the policy.
        let instead_of = picked.filter(|picked| **picked != version).cloned();
        Self { version, instead_of }
    }
}

impl LatestPolicy {
    /// Picks the version for `latest` from the visible versions, given in the order they were
    /// published.
    pub fn pick<'a>(self, visible: impl IntoIterator<Item = &'a Version>) -> Option<&'a Version> {
        let visible = visible.into_iter();
        match self {
            Self::Newest => visible.last(),
            Self::Highest => {
                visible.max_by(|a, b| (!a.is_prerelease()).cmp(&!b.is_prerelease()).then_with(|| a.cmp(b)))
            }
        }
    }

    /// The tag `latest` after a change to `published`, which is in the order of publishing; `None` if
    /// no version is visible.
    ///
    /// A tag that was set by hand stays while its version is visible and the policy's new pick is not
    /// higher (under [`Newest`](Self::Newest): not published later) than both that version and the
    /// policy's pick at the time.
    pub fn recompute(self, before: Option<&LatestTag>, published: &[PublishedVersion]) -> Option<LatestTag> {
        let picked = self.pick(published.iter().filter(|one| one.visible).map(|one| &one.version))?;
        if let Some(tag) = before
            && let Some(instead_of) = &tag.instead_of
            && published.iter().any(|one| one.visible && one.version == tag.version)
            && !(self.is_higher(picked, &tag.version, published) && self.is_higher(picked, instead_of, published))
        {
            return Some(tag.clone());
        }
        Some(LatestTag { version: picked.clone(), instead_of: None })
    }

    fn is_higher(self, version: &Version, than: &Version, published: &[PublishedVersion]) -> bool {
        match self {
            Self::Highest => version > than,
            Self::Newest => {
                let at = |version: &Version| published.iter().position(|one| one.version == *version);
                at(version) > at(than)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(text: &str) -> Version {
        text.parse().expect("valid version")
    }

    /// Versions in the order of publishing; `!` in front means yanked.
    fn published(versions: &[&str]) -> Vec<PublishedVersion> {
        let one = |text: &&str| {
            PublishedVersion::new(v(text.trim_start_matches('!')), text.starts_with('!'), VersionStatus::OPEN)
        };
        versions.iter().map(one).collect()
    }

    fn by_hand(version: &str, instead_of: &str) -> LatestTag {
        LatestTag { version: v(version), instead_of: Some(v(instead_of)) }
    }

    fn recompute(policy: LatestPolicy, before: &LatestTag, versions: &[&str]) -> String {
        policy.recompute(Some(before), &published(versions)).map_or_else(String::new, |tag| tag.version.to_string())
    }

    #[test]
    fn latest_prefers_releases() {
        let all = [v("1.0.0"), v("2.0.0-rc.1"), v("0.9.0")];
        assert_eq!(LatestPolicy::Highest.pick(&all), Some(&all[0]));
        assert_eq!(LatestPolicy::Newest.pick(&all), Some(&all[2]));
        let pre = [v("1.0.0-a"), v("1.0.0-b")];
        assert_eq!(LatestPolicy::Highest.pick(&pre), Some(&pre[1]));
        assert_eq!(LatestPolicy::Highest.pick(&[]), None);
    }

    #[test]
    fn nothing_visible_leaves_no_latest() {
        assert_eq!(LatestPolicy::Highest.recompute(Some(&by_hand("1.0.0", "2.0.0")), &published(&["!1.0.0"])), None);
    }

    #[test]
    fn a_tag_set_by_hand_holds_until_something_higher() {
        let highest = LatestPolicy::Highest;
        let tag = by_hand("1.0.0", "2.0.0");
        assert_eq!(recompute(highest, &tag, &["1.0.0", "2.0.0", "1.0.1"]), "1.0.0");
        assert_eq!(recompute(highest, &tag, &["1.0.0", "!2.0.0"]), "1.0.0");
        assert_eq!(recompute(highest, &tag, &["1.0.0", "2.0.0", "2.0.1"]), "2.0.1");
        assert_eq!(recompute(highest, &tag, &["!1.0.0", "2.0.0"]), "2.0.0");
        let ahead = by_hand("2.0.0-rc.1", "1.0.0");
        assert_eq!(recompute(highest, &ahead, &["1.0.0", "2.0.0-rc.1", "1.0.1"]), "2.0.0-rc.1");
        assert_eq!(recompute(highest, &ahead, &["1.0.0", "2.0.0-rc.1", "2.0.0"]), "2.0.0");
    }

    #[test]
    fn under_newest_anything_published_later_is_higher() {
        let tag = by_hand("1.0.0", "2.0.0");
        assert_eq!(recompute(LatestPolicy::Newest, &tag, &["1.0.0", "2.0.0"]), "1.0.0");
        assert_eq!(recompute(LatestPolicy::Newest, &tag, &["1.0.0", "2.0.0", "0.5.0"]), "0.5.0");
    }

    #[test]
    fn a_tag_that_follows_the_policy_moves_both_ways() {
        let tag = LatestTag { version: v("2.0.0"), instead_of: None };
        assert_eq!(recompute(LatestPolicy::Highest, &tag, &["1.0.0", "!2.0.0"]), "1.0.0");
        assert_eq!(recompute(LatestPolicy::Highest, &tag, &["1.0.0", "2.0.0", "3.0.0"]), "3.0.0");
    }

    #[test]
    fn setting_by_hand_remembers_the_pick() {
        let auto = LatestTag { version: v("2.0.0"), instead_of: None };
        let first = LatestTag::set_by_hand(v("1.0.0"), Some(&auto));
        assert_eq!(first, by_hand("1.0.0", "2.0.0"));
        assert_eq!(LatestTag::set_by_hand(v("1.1.0"), Some(&first)), by_hand("1.1.0", "2.0.0"));
        assert_eq!(LatestTag::set_by_hand(v("2.0.0"), Some(&first)), auto);
    }
}
