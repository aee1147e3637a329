//! How a person names a package, a version, a time to live.

use std::str::FromStr;

use aam_registry_core::types::{PackageName, Selector, Version};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

use crate::failure::Failure;

/// `name`, `name@1.2.3`, `name@^1.2`, `name@beta`; the name may be `@scope/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PackageSpec {
    pub(crate) name: PackageName,
    /// `None` where nothing was asked, which means `latest`.
    pub(crate) selector: Option<Selector>,
}

impl PackageSpec {
    /// What was asked, or `latest`.
    pub(crate) fn selector(&self) -> Selector {
        self.selector.clone().unwrap_or_else(|| Selector::Tag(aam_registry_core::types::DistTag::latest()))
    }
}

/// Splits at the `@` that is not the scope's.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

impl FromStr for PackageSpec {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let (name, selector) = split(text);
        let name = name.parse()?;
        match selector {
            Some("") => Err(Failure::usage(format!("`{text}` ends in `@`: name a version, a tag or a constraint"))),
            Some(selector) => Ok(Self { name, selector: Some(selector.parse()?) }),
            None => Ok(Self { name, selector: None }),
        }
    }
}

/// `name@1.2.3`: one version, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionSpec {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
}

impl FromStr for VersionSpec {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let (name, version) = split(text);
        let version = version.ok_or_else(|| Failure::usage(format!("Name the version too, as in `{name}@1.2.3`")))?;
        Ok(Self { name: name.parse()?, version: version.parse()? })
    }
}

/// When something ends: `90d`, `12h`, `8w`, `2027-01-31`, or `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    After(SignedDuration),
    At(Timestamp),
    Never,
}

impl Expiry {
    /// How long a login lasts unless told otherwise: a year, so that it can
    /// make tokens of the usual 90 days most of that time.
    pub(crate) fn default_login() -> Self {
        Self::After(SignedDuration::from_hours(365 * 24))
    }

    /// The instant, counted from `now`.
    pub(crate) fn counted_from(self, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        match self {
            Self::Never => Ok(None),
            Self::At(instant) => Ok(Some(instant)),
            // To the second: nobody reads the rest.
            Self::After(time) => {
                now.checked_add(time).and_then(|at| Timestamp::from_second(at.as_second())).map(Some).map_err(|_| {
                    Failure::usage("That is too far in the future; use `never` for a token without an end")
                })
            }
        }
    }
}

impl FromStr for Expiry {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let wrong = || Failure::usage(format!("`{text}` is no time: use `90d`, `12h`, `8w`, `2027-01-31` or `never`"));
        if let Ok(date) = text.parse::<Date>() {
            return Ok(Self::At(TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).map_err(|_| wrong())?));
        }
        let unit = text.chars().last().ok_or_else(wrong)?;
        let hours = match unit {
            'h' => 1,
            'd' => 24,
            'w' => 24 * 7,
            _ => return Err(wrong()),
        };
        let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        if number == 0 {
            return Err(wrong());
        }
        Ok(Self::After(SignedDuration::from_hours(i64::from(number) * hours)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_scope_keeps_its_at_sign() {
        let spec: PackageSpec = "@my_org/style-guide@^0.3".parse().expect("spec");
        assert_eq!(spec.name.as_str(), "@my_org/style-guide");
        assert!(matches!(spec.selector, Some(Selector::Constraint(_))));
        let spec: PackageSpec = "@my_org/style-guide".parse().expect("spec");
        assert_eq!(spec.selector, None);
        assert!(matches!("greet-kit@beta".parse::<PackageSpec>().expect("spec").selector, Some(Selector::Tag(_))));
        for bad in ["", "@", "a@", "@a/b@", "a@@1", "A", "a@1 2"] {
            assert!(bad.parse::<PackageSpec>().is_err(), "{bad:?} passed");
        }
    }

    #[test]
    fn a_version_must_be_whole() {
        assert!("a@1.2.3-rc.1+b".parse::<VersionSpec>().is_ok());
        assert!("a@1.2".parse::<VersionSpec>().is_err());
        assert!("@s/a".parse::<VersionSpec>().is_err());
    }

    #[test]
    fn times_to_live() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("time");
        let at = |text: &str| text.parse::<Expiry>().expect("expiry").counted_from(now).expect("in range");
        assert_eq!(at("90d"), Some("2026-04-01T00:00:00Z".parse().expect("time")));
        assert_eq!(at("2027-01-31"), Some("2027-01-31T00:00:00Z".parse().expect("time")));
        assert_eq!(at("never"), None);
        for bad in ["", "d", "0d", "-1d", "90", "90é", "1y", "99999999999d"] {
            assert!(bad.parse::<Expiry>().is_err(), "{bad:?} passed");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parsers(text in ".{0,40}") {
            let _ = text.parse::<PackageSpec>();
            let _ = text.parse::<VersionSpec>();
            let _ = text.parse::<Expiry>();
        }
    }
}
