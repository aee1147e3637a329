//! Version constraints: Cargo's syntax, except that a bare full version is exact.

use std::{fmt, str::FromStr};

use crate::{
    error::InvalidName,
    types::{DistTag, Version},
};

const MAX_LEN: usize = 256;

/// Which versions of a package a client accepts.
///
/// `=1.2.3`, `>=1.2`, `>1`, `<=2`, `<2`, `^1.2`, `~1.2.3`, `1.2` (as `^1.2`),
/// `1.*`, `*`, and a comma for "and", all as Cargo reads them, pre-releases
/// included; except that a bare full version means exactly that version.
#[derive(Clone, PartialEq, Eq)]
pub struct Constraint {
    text: Box<str>,
    req: semver::VersionReq,
    exact: Option<Version>,
}

impl Constraint {
    /// The constraint that any release satisfies.
    pub fn any() -> Self {
        Self { text: "*".into(), req: semver::VersionReq::STAR, exact: None }
    }

    /// The constraint that only `version` satisfies.
    pub fn exactly(version: &Version) -> Self {
        Self { text: format!("={version}").into(), req: semver::VersionReq::STAR, exact: Some(version.clone()) }
    }

    /// Whether `version` satisfies the constraint. A pre-release does so only if a comparator names a
    /// pre-release of the same release.
    pub fn matches(&self, version: &Version) -> bool {
        self.exact.as_ref().map_or_else(|| self.req.matches(version.as_semver()), |exact| exact == version)
    }

    /// The most comparisons needed to decide whether a version satisfies the constraint; at least one.
    pub fn comparators(&self) -> usize {
        if self.exact.is_some() { 1 } else { self.req.comparators.len().max(1) }
    }

    /// The version, if the constraint is a single bare or `=` full version.
    pub fn exact(&self) -> Option<&Version> {
        self.exact.as_ref()
    }

    /// The constraint as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Constraint {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        let invalid = || InvalidName::Constraint(text.chars().take(MAX_LEN).collect());
        if text.is_empty() || text.len() > MAX_LEN {
            return Err(invalid());
        }
        let exact = text.strip_prefix('=').unwrap_or(text).trim().parse::<Version>().ok();
        // A bare full version is exact inside a list too; `VersionReq` would read it as a caret
        // constraint.
        let spelled = text
            .split(',')
            .map(
                |part| {
                    if part.trim().parse::<Version>().is_ok() { format!("={}", part.trim()) } else { part.to_owned() }
                },
            )
            .collect::<Vec<_>>()
            .join(",");
        let req = semver::VersionReq::parse(&spelled).map_err(|_| invalid())?;
        Ok(Self { text: text.into(), req, exact })
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// How a client selects one version of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// A version constraint.
    Constraint(Constraint),
    /// A dist-tag; an empty selector means `latest`.
    Tag(DistTag),
}

impl FromStr for Selector {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Ok(Self::Tag(DistTag::latest()));
        }
        // `1` and `1-2` could be either; other clients of package registries read a number as a
        // constraint.
        match text.parse::<Constraint>() {
            Ok(constraint) => Ok(Self::Constraint(constraint)),
            Err(error) => text.parse::<DistTag>().map(Self::Tag).map_err(|_| error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(constraint: &str, version: &str) -> bool {
        constraint.parse::<Constraint>().expect("constraint").matches(&version.parse().expect("version"))
    }

    #[test]
    fn a_bare_full_version_is_exact() {
        assert!(matches("1.2.3", "1.2.3"));
        assert!(matches("1.2.3", "1.2.3+build"));
        assert!(!matches("1.2.3", "1.2.4"));
        assert!(matches("1.2", "1.9.0"));
        assert!(matches(">=1.0.0,1.2.3", "1.2.3"));
        assert!(!matches(">=1.0.0,1.2.3", "1.2.4"));
    }

    #[test]
    fn pre_releases_match_as_in_cargo() {
        assert!(!matches("*", "1.0.0-rc.1"));
        assert!(matches(">=1.0.0-rc.1", "1.0.0-rc.2"));
        assert!(!matches(">=1.0.0-rc.1", "1.1.0-rc.1"));
        assert!(matches("1.0.0-rc.1", "1.0.0-rc.1"));
        assert!(matches("=1.0.0-rc.1", "1.0.0-rc.1"));
    }

    #[test]
    fn other_ecosystems_spellings_are_refused() {
        for bad in ["", ">=1 <2", "1 || 2", "1.0.0 - 2.0.0", "latest", "^", "1.2.3.4"] {
            assert!(bad.parse::<Constraint>().is_err(), "{bad:?} passed");
        }
    }

    #[test]
    fn a_selector_is_a_constraint_before_it_is_a_tag() {
        assert_eq!("".parse::<Selector>().expect("empty"), Selector::Tag(DistTag::latest()));
        assert!(matches!("beta".parse::<Selector>().expect("tag"), Selector::Tag(_)));
        assert!(matches!("1".parse::<Selector>().expect("number"), Selector::Constraint(_)));
        assert!("Not A Tag".parse::<Selector>().is_err());
    }
}
