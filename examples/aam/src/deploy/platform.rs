//! The platforms there are.

use std::{fmt, path::Path, str::FromStr};

use super::{claude, codex, copilot, cursor, rules::Rules};
use crate::failure::Failure;

/// An AI coding tool that packages can be installed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Platform {
    Claude,
    Cursor,
    Copilot,
    Codex,
}

impl Platform {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Claude, Self::Cursor, Self::Copilot, Self::Codex];

    /// The platform's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Cursor => "cursor",
            Self::Copilot => "copilot",
            Self::Codex => "codex",
        }
    }

    /// What goes where.
    pub(super) fn rules(self) -> &'static Rules {
        match self {
            Self::Claude => &claude::RULES,
            Self::Cursor => &cursor::RULES,
            Self::Copilot => &copilot::RULES,
            Self::Codex => &codex::RULES,
        }
    }

    /// The platforms a project shows signs of.
    pub(crate) fn detect(project: &Path) -> Vec<Self> {
        let shows = |platform: &Self| platform.rules().signs.iter().any(|sign| project.join(sign).exists());
        let found: Vec<_> = Self::ALL.into_iter().filter(shows).collect();
        // Where nothing else is seen, even a bare `.github` says something.
        if found.is_empty() && project.join(".github").is_dir() { vec![Self::Copilot] } else { found }
    }
}

impl FromStr for Platform {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Failure::usage(format!("`{text}` is not a platform: use {known}"))
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
