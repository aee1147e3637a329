//! Dist-tags.

use std::{fmt, str::FromStr};

use crate::error::InvalidName;

/// A movable name for one version of a package, such as `latest` or `beta`.
///
/// `^[a-z0-9][a-z0-9-]{0,31}$`, not a SemVer version, not `all`, `true` or `false`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DistTag(Box<str>);

impl DistTag {
    /// The tag that the registry sets itself.
    pub const LATEST: &str = "latest";

    /// The tag `latest`.
    pub fn latest() -> Self {
        Self(Self::LATEST.into())
    }

    /// Whether this is `latest`.
    pub fn is_latest(&self) -> bool {
        &*self.0 == Self::LATEST
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DistTag {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let bytes = text.as_bytes();
        let shape = (1..=32).contains(&bytes.len())
            && bytes[0] != b'-'
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        if shape && !matches!(text, "all" | "true" | "false") && semver::Version::parse(text).is_err() {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::Tag(text.chars().take(64).collect()))
        }
    }
}

impl fmt::Display for DistTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DistTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_malformed_tags_are_refused() {
        let long = "a".repeat(33);
        for bad in ["", "-a", "all", "true", "false", "Beta", "a_b", "a.b", &long] {
            assert!(bad.parse::<DistTag>().is_err(), "{bad:?} passed");
        }
        for good in ["latest", "beta", "v1", "1", "next-2"] {
            assert!(good.parse::<DistTag>().is_ok(), "{good:?} refused");
        }
    }
}
