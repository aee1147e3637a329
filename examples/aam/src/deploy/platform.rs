//! The platforms there are.

use std::{fmt, str::FromStr};

use super::{
    rules::{Rules, Targets},
    tables,
};
use crate::{
    confined::{Entry, Folder},
    failure::{Failure, Result},
};

/// An AI coding tool that packages can be installed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Platform {
    Claude,
    Cursor,
    Copilot,
    Codex,
    Gemini,
    OpenCode,
    Windsurf,
    Kiro,
    /// Whatever reads `.agents/skills` and `AGENTS.md`.
    Agents,
}

/// For whom packages are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Project,
    /// The user, in every project.
    User,
}

impl Platform {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Claude,
        Self::Cursor,
        Self::Copilot,
        Self::Codex,
        Self::Gemini,
        Self::OpenCode,
        Self::Windsurf,
        Self::Kiro,
        Self::Agents,
    ];

    /// The platform's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Cursor => "cursor",
            Self::Copilot => "copilot",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::OpenCode => "opencode",
            Self::Windsurf => "windsurf",
            Self::Kiro => "kiro",
            Self::Agents => "agents",
        }
    }

    fn rules(self) -> &'static Rules {
        match self {
            Self::Claude => &tables::CLAUDE,
            Self::Cursor => &tables::CURSOR,
            Self::Copilot => &tables::COPILOT,
            Self::Codex => &tables::CODEX,
            Self::Gemini => &tables::GEMINI,
            Self::OpenCode => &tables::OPENCODE,
            Self::Windsurf => &tables::WINDSURF,
            Self::Kiro => &tables::KIRO,
            Self::Agents => &tables::AGENTS,
        }
    }

    /// What goes where.
    pub(super) fn targets(self, scope: Scope) -> &'static Targets {
        match scope {
            Scope::Project => &self.rules().project,
            Scope::User => &self.rules().user,
        }
    }

    /// The platforms a project shows signs of, each with the sign.
    pub(crate) fn detect(project: &Folder) -> Vec<(Self, String)> {
        let there = |sign: &str| project.look(sign).is_ok_and(|entry| entry != Entry::Nothing);
        let sign =
            |platform: Self| Some((platform, (*platform.rules().signs.iter().find(|sign| there(sign))?).to_owned()));
        Self::ALL.into_iter().filter_map(sign).collect()
    }

    /// The platforms whose folder the user has, each with the folder.
    pub(crate) fn detect_of_user() -> Vec<(Self, String)> {
        let sign = |platform: Self| {
            let folder = platform.rules().home?.path().ok()??;
            folder.is_dir().then(|| (platform, folder.display().to_string()))
        };
        Self::ALL.into_iter().filter_map(sign).collect()
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
