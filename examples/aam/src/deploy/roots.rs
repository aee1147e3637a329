//! The folders that places are below, opened.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{own_link, place::Place};
use crate::{
    confined::{Entry, Folder, Mode},
    failure::{Failure, Kind, Result},
};

/// What the path of a target is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Base {
    /// The project.
    Project,
    /// `~/.agents`, which several tools read.
    Agents,
    /// `CLAUDE_CONFIG_DIR`, else `~/.claude`.
    Claude,
    Cursor,
    Copilot,
    /// `CODEX_HOME`, else `~/.codex`.
    Codex,
    Gemini,
    /// `$XDG_CONFIG_HOME/opencode`, else `~/.config/opencode`.
    OpenCode,
    Windsurf,
    Kiro,
}

impl Base {
    /// Where it is on this machine; `None` for the project.
    pub(super) fn path(self) -> Result<Option<PathBuf>> {
        let (variable, below) = match self {
            Self::Project => return Ok(None),
            Self::Agents => (None, ".agents"),
            Self::Claude => (Some("CLAUDE_CONFIG_DIR"), ".claude"),
            Self::Cursor => (None, ".cursor"),
            Self::Copilot => (None, ".copilot"),
            Self::Codex => (Some("CODEX_HOME"), ".codex"),
            Self::Gemini => (None, ".gemini"),
            Self::OpenCode => {
                let told = told("XDG_CONFIG_HOME").map(|path| path.join("opencode"));
                return told.map_or_else(|| home(".config/opencode"), Ok).map(Some);
            }
            Self::Windsurf => (None, ".codeium/windsurf"),
            Self::Kiro => (None, ".kiro"),
        };
        variable.and_then(told).map_or_else(|| home(below), Ok).map(Some)
    }

    /// The place at `path` below it.
    pub(super) fn place(self, path: &str) -> Result<Place> {
        let Some(root) = self.path()? else { return Place::new(None, path) };
        let absolute = real(&std::path::absolute(&root).map_err(|error| Failure::io("open", &root, &error))?);
        let text = absolute.to_str().map(|text| text.trim_end_matches('/')).ok_or_else(|| {
            Failure::usage(format!("{} cannot be installed to: its name is no text", absolute.display()))
        })?;
        Place::new(Some(Arc::from(text)), path)
    }
}

/// The path without links, so that one folder has one name; as far as it exists.
fn real(path: &Path) -> PathBuf {
    for at in path.ancestors() {
        if let Ok(real) = std::fs::canonicalize(at) {
            return path
                .strip_prefix(at)
                .map_or_else(|_| path.to_owned(), |rest| real.components().chain(rest.components()).collect());
        }
    }
    path.to_owned()
}

fn told(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn home(below: &str) -> Result<PathBuf> {
    env::home_dir()
        .filter(|home| home.is_absolute())
        .map(|home| home.join(below))
        .ok_or_else(|| Failure::usage("Your home folder is not known; set HOME"))
}

/// Opens what places are below.
#[derive(Debug)]
pub(crate) struct Roots {
    project: Folder,
}

impl Roots {
    /// Places without a root are below `project`.
    pub(crate) fn new(project: Folder) -> Self {
        Self { project }
    }

    /// The folder that `place` is below, and the path in it; `None` where there
    /// is no such folder. A link of the user's own on the way to a place below
    /// their folder is followed; in a project none is.
    fn root<'a>(&self, place: &'a Place, make: bool) -> Result<Option<(Folder, &'a str)>> {
        let Some(root) = place.root() else { return Ok(Some((self.project.again(), place.path()))) };
        // A folder of the user's may itself be a link, which they made.
        let root = Path::new(&**root);
        let folders = place.path().rsplit_once('/').map_or("", |(folders, _)| folders);
        if let Some((target, rest)) = own_link::follow(root, folders) {
            let last = &place.path()[folders.len() - rest.len()..];
            return Ok(Some((Folder::open(&target)?, last.trim_start_matches('/'))));
        }
        if make {
            return Ok(Some((Folder::create(root)?, place.path())));
        }
        if root.is_dir() { Ok(Some((Folder::open(root)?, place.path()))) } else { Ok(None) }
    }

    pub(super) fn look(&self, place: &Place) -> Result<Entry> {
        self.root(place, false)?.map_or(Ok(Entry::Nothing), |(root, path)| root.look(path))
    }

    /// Fails where a link is on the way to the folder `place`, or is it, save one of the user's own.
    pub(super) fn reach(&self, place: &Place) -> Result<()> {
        let own = place.root().and_then(|root| own_link::follow(Path::new(&**root), place.path()));
        if let Some((target, rest)) = own {
            return Folder::open(&target)?.folder(rest).map(drop);
        }
        match self.root(place, false)? {
            Some((root, path)) => root.folder(path).map(drop),
            None => Ok(()),
        }
    }

    /// What lies at `place`, with the bytes of a file.
    pub(super) fn look_and_read(&self, place: &Place) -> Result<(Entry, Option<Vec<u8>>)> {
        self.root(place, false)?.map_or(Ok((Entry::Nothing, None)), |(root, path)| root.look_and_read(path))
    }

    pub(super) fn read(&self, place: &Place) -> Result<Option<Vec<u8>>> {
        self.root(place, false)?.map_or(Ok(None), |(root, path)| root.read(path))
    }

    /// The paths of all files below the folder `place`, relative to it; none where there is no such folder.
    pub(super) fn files(&self, place: &Place) -> Result<Vec<String>> {
        let Some((root, path)) = self.root(place, false)? else { return Ok(Vec::new()) };
        let Some(folder) = root.folder(path)? else { return Ok(Vec::new()) };
        Ok(folder.files()?.into_iter().map(|listed| listed.path).collect())
    }

    pub(super) fn write(&self, place: &Place, bytes: &[u8], mode: Mode) -> Result<()> {
        self.root(place, true)?.map_or(Ok(()), |(root, path)| root.write(path, bytes, mode))
    }

    /// As [`Self::write`], for a file that the package brings again where the disk lost it.
    pub(super) fn write_soon(&self, place: &Place, bytes: &[u8], mode: Mode) -> Result<()> {
        self.root(place, true)?.map_or(Ok(()), |(root, path)| root.write_soon(path, bytes, mode))
    }

    pub(super) fn remove_file(&self, place: &Place) -> Result<bool> {
        self.root(place, false)?.map_or(Ok(false), |(root, path)| root.remove_file(path))
    }

    pub(super) fn remove_empty(&self, place: &Place) -> bool {
        match self.root(place, false) {
            Ok(Some((root, path))) => root.remove_empty(path),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Removes what a killed command was writing beside `place`.
    pub(super) fn sweep(&self, place: &Place) {
        if let Ok(Some((root, path))) = self.root(place, false) {
            root.sweep(path.rsplit_once('/').map_or("", |(folder, _)| folder));
        }
    }

    /// The place that a file of instructions stands for. Projects keep one of
    /// them and link the others to it: such a link names a file beside it that
    /// we would write to anyway, and is read, not followed.
    pub(super) fn instructions(&self, place: Place) -> Result<Place> {
        const FILES: [&str; 3] = ["AGENTS.md", "GEMINI.md", "CLAUDE.md"];
        let Some((root, _)) = self.root(&place, false)? else { return Ok(place) };
        let mut place = place;
        for _ in FILES {
            let Some(target) = root.link(place.path())? else { return Ok(place) };
            let target = target.strip_prefix("./").unwrap_or(&target).to_str().filter(|name| FILES.contains(name));
            let Some(name) = target else { break };
            let folder = place.path().rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
            place = place.beside(&format!("{folder}{name}"))?;
        }
        Err(Failure::new(
            Kind::Conflict,
            "link_in_the_way",
            format!("{place} is a symbolic link, and aam follows none there"),
        )
        .hint("replace the link with a real file; a link to an AGENTS.md, CLAUDE.md or GEMINI.md beside it is fine"))
    }
}
