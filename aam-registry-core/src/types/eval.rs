//! Results of evals: how a version did in what its owners test it with.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{error::InvalidName, types::DistTag};

/// The name of an eval: 1 to 64 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or a digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EvalName(Arc<str>);

impl EvalName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EvalName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let of_names = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if starts && text.len() <= 64 && text.bytes().all(of_names) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::Eval(text.chars().take(64).collect()))
        }
    }
}

impl fmt::Display for EvalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EvalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// How an eval ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalStatus {
    /// The version is as good as it has to be.
    Passed,
    /// It is not.
    Failed,
    /// The eval itself did not run to its end.
    Error,
}

impl EvalStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Error];

    /// The status as text: `passed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }

    /// Reads the status's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// The last result of an eval of a version.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalResult {
    /// The eval.
    pub name: EvalName,
    /// How it ended.
    pub status: EvalStatus,
    /// What was measured: numbers, texts and truth values by name.
    pub metrics: Map<String, Value>,
    /// When it ran.
    pub run_at: Timestamp,
    /// What ran it.
    pub runner: Option<String>,
    /// In what surroundings; empty if nothing was said.
    pub environment: Map<String, Value>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl EvalResult {
    /// The most evals of a version.
    pub const MAX_PER_VERSION: usize = 50;
    /// The most metrics of a result, and the most facts about its surroundings.
    pub const MAX_FACTS: usize = 50;
    /// The longest name of a metric, in bytes.
    pub const MAX_FACT_NAME: usize = 64;
    /// The longest text of a metric or of what ran it, in characters.
    pub const MAX_TEXT: usize = 256;
}

/// The evals that a version has to pass before a dist-tag may name it, by tag.
pub type Gates = BTreeMap<DistTag, Vec<EvalName>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["quality", "0", "task-1_b.c", &"x".repeat(64)] {
            assert_eq!(good.parse::<EvalName>().expect(good).as_str(), good);
        }
        for bad in ["", "-x", ".x", "A", "a b", "a/b", &"x".repeat(65)] {
            bad.parse::<EvalName>().expect_err(bad);
        }
        assert!(EvalStatus::ALL.iter().all(|status| EvalStatus::parse(status.as_str()) == Some(*status)));
    }
}
