//! Places that may be written to, and no others.

use std::{
    env, fmt, fs,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use crate::failure::{Failure, Result};

/// What the path of a place is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Base {
    /// The project.
    Project,
    /// `CODEX_HOME`, else `~/.codex`.
    CodexHome,
}

const CODEX_PREFIX: &str = "$CODEX_HOME/";

/// A file or folder below a base: a relative path of plain segments, so that
/// neither a package nor an edited record can lead elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    base: Base,
    path: String,
}

impl Place {
    /// The place at `path`, with `/` between segments.
    pub(crate) fn new(base: Base, path: &str) -> Result<Self> {
        let plain = !path.is_empty()
            && !path.contains(['\\', '\0'])
            && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
            && !path.split('/').any(|segment| matches!(segment, "" | "." | ".."));
        // Git runs what lies in its folder; nothing of a package belongs there, nor into our own.
        let reserved = path.split('/').next().is_some_and(|first| matches!(&*first.to_lowercase(), ".git" | ".aam"));
        if plain && !reserved {
            Ok(Self { base, path: path.to_owned() })
        } else {
            Err(Failure::invalid(format!("`{path}` is not a path that may be written to")))
        }
    }

    /// The place of `path` below this one.
    pub(super) fn join(&self, path: &str) -> Result<Self> {
        Self::new(self.base, &format!("{}/{path}", self.path))
    }

    /// The folders it is in below its base, the innermost first.
    pub(super) fn folders(&self) -> impl Iterator<Item = Self> {
        let ends = self.path.rmatch_indices('/').map(|(at, _)| at);
        ends.map(|end| Self { base: self.base, path: self.path[..end].to_owned() })
    }

    /// How many folders it is deep.
    pub(super) fn depth(&self) -> usize {
        self.path.matches('/').count()
    }

    /// What is the same place on a file system that ignores case.
    pub(super) fn folded(&self) -> String {
        self.to_string().to_lowercase()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            Base::Project => f.write_str(&self.path),
            Base::CodexHome => write!(f, "{CODEX_PREFIX}{}", self.path),
        }
    }
}

impl FromStr for Place {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        match text.strip_prefix(CODEX_PREFIX) {
            Some(path) => Self::new(Base::CodexHome, path),
            None => Self::new(Base::Project, text),
        }
    }
}

/// Where the bases are on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    project: PathBuf,
    codex: PathBuf,
}

impl Roots {
    /// The bases of the project at `project`.
    pub(crate) fn new(project: &Path) -> Result<Self> {
        let told = env::var_os("CODEX_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
        let codex = told
            .or_else(|| env::home_dir().map(|home| home.join(".codex")))
            .ok_or_else(|| Failure::usage("Your home folder is not known; set CODEX_HOME"))?;
        Self::at(project, &codex)
    }

    /// The bases at known folders.
    pub(crate) fn at(project: &Path, codex: &Path) -> Result<Self> {
        let project = fs::canonicalize(project).map_err(|error| Failure::io("open", project, &error))?;
        let codex = std::path::absolute(codex).map_err(|error| Failure::io("open", codex, &error))?;
        Ok(Self { project, codex: fs::canonicalize(&codex).unwrap_or(codex) })
    }

    fn base(&self, base: Base) -> &Path {
        match base {
            Base::Project => &self.project,
            Base::CodexHome => &self.codex,
        }
    }

    /// The path of `place`, refused where a link on the way leads out of its base.
    pub(super) fn path(&self, place: &Place) -> Result<PathBuf> {
        let base = self.base(place.base);
        let path = base.join(&place.path);
        let there = path.ancestors().skip(1).take_while(|folder| *folder != base).find(|folder| folder.exists());
        if let Some(folder) = there {
            let real = fs::canonicalize(folder).map_err(|error| Failure::io("open", folder, &error))?;
            if !real.starts_with(base) {
                return Err(outside(place, &real));
            }
        }
        Ok(path)
    }

    /// The place that `place` stands for: itself, or what it links to.
    pub(super) fn follow(&self, place: Place) -> Result<Place> {
        let path = self.path(&place)?;
        if !fs::symlink_metadata(&path).is_ok_and(|data| data.is_symlink()) {
            return Ok(place);
        }
        let real = fs::canonicalize(&path).map_err(|error| Failure::io("follow the link", &path, &error))?;
        let inside = real.strip_prefix(self.base(place.base)).ok().and_then(Path::to_str);
        match inside {
            Some(inside) => Place::new(place.base, inside),
            None => Err(outside(&place, &real)),
        }
    }
}

fn outside(place: &Place, real: &Path) -> Failure {
    Failure::invalid(format!("{place} leads out of the project, to {}", real.display()))
        .hint("replace the symbolic link with a folder, or install where it leads to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_nowhere_else() {
        for bad in ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/.", "a\\b", ".git/hooks/x", ".AAM/x", "a\0"]
        {
            assert!(bad.parse::<Place>().is_err(), "{bad:?} passed");
        }
        let codex: Place = "$CODEX_HOME/skills/a".parse().expect("place");
        assert_eq!((codex.base, codex.to_string().as_str()), (Base::CodexHome, "$CODEX_HOME/skills/a"));
        assert!("$CODEX_HOME/../x".parse::<Place>().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_project_is_not_followed() {
        let outside = tempfile::tempdir().expect("folder");
        let project = tempfile::tempdir().expect("folder");
        std::os::unix::fs::symlink(outside.path(), project.path().join(".claude")).expect("link");
        let roots = Roots::at(project.path(), &project.path().join("codex")).expect("roots");
        assert!(roots.path(&".claude/agents/a.md".parse().expect("place")).is_err());
        assert!(roots.path(&".cursor/rules/a.mdc".parse().expect("place")).is_ok());
    }
}
