//! Places that may be written to, and no others.

use std::{fmt, str::FromStr, sync::Arc};

use crate::{
    confined::{folded, is_git_folder},
    failure::{Failure, Result},
};

/// A file or folder below a project or below a folder of the user's: a
/// relative path of plain segments, so that neither a package nor an edited
/// record can lead elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// The absolute path of a folder of the user's; `None` for the project.
    root: Option<Arc<str>>,
    path: String,
}

/// Between a user's folder and the path below it, in records.
const BELOW: &str = "//";

impl Place {
    /// The place at `path`, with `/` between segments.
    pub(crate) fn new(root: Option<Arc<str>>, path: &str) -> Result<Self> {
        let plain = !path.is_empty()
            && !path.contains(['\\', '\0'])
            && !path.split('/').any(|segment| matches!(segment, "" | "." | ".."));
        // Git runs what lies in its folder; nothing of a package belongs there, nor into our own.
        let first = path.split('/').next().unwrap_or_default();
        let reserved = path.split('/').any(is_git_folder) || (root.is_none() && folded(first) == ".aam");
        if plain && !reserved {
            Ok(Self { root, path: path.to_owned() })
        } else {
            Err(Failure::invalid(format!("`{path}` is not a path that may be written to")))
        }
    }

    /// The place of `path` below this one.
    pub(super) fn join(&self, path: &str) -> Result<Self> {
        Self::new(self.root.clone(), &format!("{}/{path}", self.path))
    }

    /// The place of `path` below the same root.
    pub(super) fn beside(&self, path: &str) -> Result<Self> {
        Self::new(self.root.clone(), path)
    }

    /// The user's folder that it is below; `None` for the project.
    pub(super) fn root(&self) -> Option<&Arc<str>> {
        self.root.as_ref()
    }

    /// The path below the root.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The folders it is in below its root, the innermost first.
    pub(super) fn folders(&self) -> impl Iterator<Item = Self> {
        let ends = self.path.rmatch_indices('/').map(|(at, _)| at);
        ends.map(|end| Self { root: self.root.clone(), path: self.path[..end].to_owned() })
    }

    /// How many folders it is deep.
    pub(super) fn depth(&self) -> usize {
        self.path.matches('/').count()
    }

    /// What is the same place on a file system that ignores case.
    pub(super) fn folded(&self) -> String {
        self.key().to_lowercase()
    }

    /// Where it is when the project is at `project`.
    pub(crate) fn absolute(&self, project: &str) -> String {
        format!("{}/{}", self.root.as_deref().unwrap_or(project), self.path)
    }

    /// As [`Display`](fmt::Display), but telling where the root ends.
    fn key(&self) -> String {
        self.root.as_ref().map_or_else(|| self.path.clone(), |root| format!("{root}{BELOW}{}", self.path))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Some(root) => write!(f, "{root}/{}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// A place as records spell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PlaceKey(pub(crate) Place);

impl fmt::Display for PlaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.key())
    }
}

impl FromStr for PlaceKey {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let place = match text.split_once(BELOW) {
            Some((root, path)) if std::path::Path::new(root).is_absolute() => Place::new(Some(root.into()), path),
            _ => Place::new(None, text),
        };
        place.map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_nowhere_else() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/.",
            "a\\b",
            ".git/hooks/x",
            ".AAM/x",
            "a\0",
            "a/.git/config",
            "a/.GIT./x",
            "a/.git /x",
            "a/git~1/x",
            "a/.g\u{200c}it/x",
            ".git::$INDEX_ALLOCATION/x",
            ".aam./x",
        ] {
            assert!(Place::new(None, bad).is_err(), "{bad:?} passed");
        }
        for good in [".gitignore", ".github/agents/a.md", "a/.gitkeep", ".claude/skills/aam/x"] {
            assert!(Place::new(None, good).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn a_place_of_the_users_survives_its_text() {
        let place = PlaceKey(Place::new(Some("/home/a/.codex".into()), "agents/a.toml").expect("place"));
        assert_eq!(place.to_string(), "/home/a/.codex//agents/a.toml");
        assert_eq!(place.to_string().parse::<PlaceKey>().expect("place"), place);
        assert_eq!(place.0.to_string(), "/home/a/.codex/agents/a.toml");
        assert!("/home/a/.codex//../x".parse::<PlaceKey>().is_err());
        assert!("home//x".parse::<PlaceKey>().is_err() && "/etc/passwd".parse::<PlaceKey>().is_err());
    }
}
