//! Versions (SemVer 2.0).

use std::{cmp::Ordering, fmt, hash, str::FromStr};

use crate::error::InvalidName;

const MAX_LEN: usize = 64;

/// A SemVer 2.0 version of at most 64 characters.
///
/// Equality, order and hash ignore build metadata: two versions that differ
/// only in it are the same version.
#[derive(Clone)]
pub struct Version(semver::Version);

impl Version {
    /// Whether this is a pre-release such as `1.0.0-rc.1`.
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// The text that identifies the version: the version without build metadata.
    pub fn key(&self) -> String {
        let mut bare = self.0.clone();
        bare.build = semver::BuildMetadata::EMPTY;
        bare.to_string()
    }

    /// The parsed version.
    pub fn as_semver(&self) -> &semver::Version {
        &self.0
    }
}

impl FromStr for Version {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName::Version(text.chars().take(MAX_LEN + 1).collect());
        if text.len() > MAX_LEN {
            return Err(invalid());
        }
        semver::Version::parse(text).map(Self).map_err(|_| invalid())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

impl hash::Hash for Version {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        (self.0.major, self.0.minor, self.0.patch, &self.0.pre).hash(state);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(text: &str) -> Version {
        text.parse().expect("valid version")
    }

    #[test]
    fn build_metadata_does_not_distinguish() {
        assert_eq!(v("1.0.0+a"), v("1.0.0+b"));
        assert_eq!(v("1.0.0-rc.1+a").key(), "1.0.0-rc.1");
        assert_eq!(v("1.0.0+a").to_string(), "1.0.0+a");
        assert!(v("1.0.0-rc.1") < v("1.0.0"));
    }

    #[test]
    fn versions_are_semver_of_at_most_64_characters() {
        assert!("1.2".parse::<Version>().is_err());
        assert!("v1.2.3".parse::<Version>().is_err());
        assert!(format!("1.0.0-{}", "a".repeat(59)).parse::<Version>().is_err());
        assert!(format!("1.0.0-{}", "a".repeat(58)).parse::<Version>().is_ok());
    }
}
