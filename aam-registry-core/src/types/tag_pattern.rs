//! Patterns of dist-tags.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

use super::DistTag;
use crate::error::InvalidName;

/// A dist-tag, or several by a pattern in which `*` stands for any characters, none included: `stable`,
/// `release-*`, `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPattern(Box<str>);

impl TagPattern {
    /// Whether the pattern covers `tag`.
    pub fn matches(&self, tag: &DistTag) -> bool {
        matches(&self.0, tag.as_str())
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` is what `pattern` says.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
}

impl FromStr for TagPattern {
    type Err = InvalidName;

    /// Takes what could be a dist-tag once each `*` is a letter; at most four `*`.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let stars = text.bytes().filter(|byte| *byte == b'*').count();
        if stars > 4 || text.contains("**") {
            return Err(InvalidName::Tag(text.chars().take(64).collect()));
        }
        text.replace('*', "x").parse::<DistTag>().map_err(|_| InvalidName::Tag(text.chars().take(64).collect()))?;
        Ok(Self(text.into()))
    }
}

impl From<DistTag> for TagPattern {
    fn from(tag: DistTag) -> Self {
        Self(tag.as_str().into())
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the operator demands of dist-tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRules {
    /// Those that may be set beside `latest`; `None` for any.
    pub allowed: Option<Vec<TagPattern>>,
    /// Those that name only versions which an approver has approved. `latest` is never one of them.
    pub need_approval: Vec<TagPattern>,
    /// How many a package may have beside `latest`.
    pub max: u64,
}

impl Default for TagRules {
    fn default() -> Self {
        Self::at_most(100)
    }
}

impl TagRules {
    /// Any tag, but not more than so many beside `latest`.
    pub fn at_most(max: u64) -> Self {
        Self { allowed: None, need_approval: Vec::new(), max }
    }

    /// Whether `tag` may be set.
    pub fn allow(&self, tag: &DistTag) -> bool {
        tag.is_latest() || self.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|one| one.matches(tag)))
    }

    /// Whether `tag` names only versions which an approver has approved.
    pub fn need_approval_for(&self, tag: &DistTag) -> bool {
        !tag.is_latest() && self.need_approval.iter().any(|one| one.matches(tag))
    }

    /// The tags that may be set, for a message; `None` for any.
    pub fn allowed_text(&self) -> Option<String> {
        let mut text = String::new();
        for (at, pattern) in self.allowed.as_ref()?.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(text, "{comma}`{pattern}`").expect("a String takes any text");
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, tag: &str) -> bool {
        let pattern: TagPattern = pattern.parse().expect("a pattern");
        pattern.matches(&tag.parse().expect("a tag"))
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, tag) in [
            ("stable", "stable"),
            ("release-*", "release-2"),
            ("release-*", "release-x-y"),
            ("*", "anything"),
            ("*-rc", "v2-rc"),
            ("v*-rc*", "v2-rc-1"),
            ("a*a", "aa"),
        ] {
            assert!(covers(pattern, tag), "{pattern} covers {tag}");
        }
        for (pattern, tag) in [("stable", "stable2"), ("release-*", "release"), ("a*a", "a"), ("*-rc", "v2-rc1")] {
            assert!(!covers(pattern, tag), "{pattern} does not cover {tag}");
        }
    }

    #[test]
    fn what_covers_no_tag_is_refused() {
        for bad in ["", "Stable", "1.2.3", "a.b", "-*", "**", "a*b*c*d*e*f", "true"] {
            assert!(bad.parse::<TagPattern>().is_err(), "{bad:?} passed");
        }
    }

    #[test]
    fn latest_is_always_allowed_and_needs_no_approval() {
        let any: TagPattern = "*".parse().expect("a pattern");
        let rules = TagRules { allowed: Some(Vec::new()), need_approval: vec![any], max: 1 };
        let latest = DistTag::latest();
        assert!(rules.allow(&latest) && !rules.need_approval_for(&latest));
        let beta: DistTag = "beta".parse().expect("a tag");
        assert!(!rules.allow(&beta) && rules.need_approval_for(&beta));
    }
}
