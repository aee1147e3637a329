//! Where things are in a project, and among the user's own files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aam_registry_core::types::PackageName;

use crate::{
    config::Home,
    confined::{Entry, Folder, Mode, outside_git},
    deploy::Scope,
    failure::{Failure, Kind, Result},
};

/// What of ours is of no use to others who work on the project.
const IGNORED: &str = "/packages/\n/.guard\n/.new-*/\n";

/// What packages are installed in: a folder with `.aam`, or the user's own files.
#[derive(Debug)]
pub(crate) struct Project {
    folder: Folder,
    scope: Scope,
}

/// Held while a command changes the project; others wait.
#[derive(Debug)]
pub(crate) struct Guard<'a> {
    project: &'a Project,
    _file: fs::File,
}

impl Drop for Guard<'_> {
    /// A project that nothing is installed in shall look as if nothing ever was.
    fn drop(&mut self) {
        let lock = self.project.folder.look(&self.project.lock_file());
        if matches!(lock, Ok(Entry::Nothing)) {
            self.project.clear();
        }
    }
}

impl Project {
    /// The project of `folder`: the nearest one above it that has a lock file
    /// or a manifest, else the folder itself. A git repository is a project of
    /// its own; what is installed in the home folder is not for those below
    /// it; and a folder of another user is not one's own project.
    pub(crate) fn find(folder: &Path) -> Result<Self> {
        let start = fs::canonicalize(folder).map_err(|error| Failure::io("open the folder", folder, &error))?;
        outside_git(&start)?;
        let home = std::env::home_dir().and_then(|home| fs::canonicalize(home).ok());
        let mut root = start.clone();
        for at in start.ancestors() {
            let below_home = at != start && Some(at) == home.as_deref();
            if below_home || !same_owner(&start, at) {
                break;
            }
            if at.join(".aam/aam-lock.yaml").is_file() || at.join("aam.yaml").is_file() {
                at.clone_into(&mut root);
                break;
            }
            if at.join(".git").exists() {
                break;
            }
        }
        Ok(Self { folder: Folder::open(&root)?, scope: Scope::Project })
    }

    /// What is installed for the user, in every project.
    pub(crate) fn of_user(home: &Home) -> Result<Self> {
        Ok(Self { folder: home.open()?, scope: Scope::User })
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }

    /// The folder that everything is in.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Where a path of this is, for messages.
    pub(crate) fn shown(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// The project's own manifest, where it is a package itself.
    pub(crate) fn manifest(&self) -> Option<PathBuf> {
        (self.scope == Scope::Project).then(|| self.root().join("aam.yaml"))
    }

    /// Everything of ours.
    fn own(&self) -> &'static str {
        match self.scope {
            Scope::Project => ".aam",
            Scope::User => "global",
        }
    }

    /// What is installed, for everybody who works on the project.
    pub(crate) fn lock_file(&self) -> String {
        format!("{}/aam-lock.yaml", self.own())
    }

    /// The record that an earlier aam kept in the project; nothing in it is believed.
    pub(crate) fn earlier_record(&self) -> String {
        format!("{}/installed.yaml", self.own())
    }

    /// Where a package is unpacked: `@scope/name` or `name`, which no other package can be.
    pub(crate) fn package(&self, name: &PackageName) -> String {
        format!("{}/packages/{name}", self.own())
    }

    /// Where an earlier aam unpacked a package of a scope; another package may have had the same folder.
    pub(crate) fn earlier_package(&self, name: &PackageName) -> Option<String> {
        name.scope().map(|_| format!("{}/packages/{}", self.own(), name.fs_name()))
    }

    /// What stands in the project while a change is under way. Git ignores it, so no clone has it.
    fn mark_file(&self) -> String {
        format!("{}/packages/.unfinished", self.own())
    }

    /// Notes in the project that the change `id` is under way.
    pub(crate) fn mark(&self, id: &str) -> Result<()> {
        self.folder.write(&self.mark_file(), format!("{id}\n").as_bytes(), Mode::Plain)
    }

    /// The change that is under way here, or was cut short.
    pub(crate) fn marked(&self) -> Result<Option<String>> {
        let bytes = match self.folder.read_at_most(&self.mark_file(), 64) {
            // What is no mark of ours says nothing.
            Err(failure) if matches!(&*failure.code, "invalid_file" | "link_in_the_way" | "files_in_the_way") => None,
            bytes => bytes?,
        };
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// Takes the note of [`Self::mark`] away.
    pub(crate) fn unmark(&self) -> Result<()> {
        self.folder.remove_file(&self.mark_file()).map(drop)
    }

    /// Waits until no other command changes the project. The kernel lets go of
    /// the lock when the process ends, however it ends.
    pub(crate) fn guard(&self) -> Result<Guard<'_>> {
        let path = format!("{}/.guard", self.own());
        let file = loop {
            let file = self.folder.open_lock(&path)?;
            file.lock().map_err(|error| {
                Failure::new(Kind::Other, "io", format!("Cannot lock {}: {error}", self.shown(self.own()).display()))
            })?;
            // Whoever held it may have removed it with everything else.
            if self.folder.look(&path)? == Entry::File {
                break file;
            }
        };
        let ignore = format!("{}/.gitignore", self.own());
        if self.scope == Scope::Project && self.folder.look(&ignore)? == Entry::Nothing {
            self.folder.write(&ignore, IGNORED.as_bytes(), Mode::Plain)?;
        }
        self.folder.sweep(self.own());
        Ok(Guard { project: self, _file: file })
    }

    /// Removes our folder where nothing is left in it that is not ours.
    fn clear(&self) {
        // Each may be missing, and the folder may hold something else: all fine.
        let own = self.own();
        let no_packages = self.folder.remove_empty(&format!("{own}/packages"));
        let _ = self.folder.remove_file(&format!("{own}/.guard"));
        let ignore = format!("{own}/.gitignore");
        // What was left of packages is still nothing to commit.
        if no_packages && self.folder.read(&ignore).is_ok_and(|text| text.as_deref() == Some(IGNORED.as_bytes())) {
            let _ = self.folder.remove_file(&ignore);
        }
        self.folder.remove_empty(own);
    }
}

#[cfg(unix)]
fn same_owner(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = |path: &Path| fs::metadata(path).map(|data| data.uid()).ok();
    owner(one) == owner(other)
}

#[cfg(not(unix))]
fn same_owner(_one: &Path, _other: &Path) -> bool {
    true
}
