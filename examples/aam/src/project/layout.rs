//! Where things are in a project.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use aam_registry_core::types::PackageName;

use crate::{
    atomic_file::{self, Mode},
    failure::{Failure, Kind, Result},
};

/// What of ours is of no use to others who work on the project.
const IGNORED: &str = "/packages/\n/.guard\n/.new-*/\n";

/// A project: the folder that `.aam` is in.
#[derive(Debug)]
pub(crate) struct Project {
    root: PathBuf,
}

/// Held while a command changes the project; others wait.
#[derive(Debug)]
pub(crate) struct Guard<'a> {
    project: &'a Project,
    _file: File,
}

impl Drop for Guard<'_> {
    /// A project that nothing is installed in shall look as if nothing ever was.
    fn drop(&mut self) {
        if !self.project.lock_file().exists() {
            self.project.clear();
        }
    }
}

impl Project {
    /// The project of `folder`: the nearest one above it that has a lock file
    /// or a manifest, else the folder itself.
    pub(crate) fn find(folder: &Path) -> Result<Self> {
        let folder = fs::canonicalize(folder).map_err(|error| Failure::io("open the folder", folder, &error))?;
        let is_project =
            |folder: &&Path| folder.join(".aam/aam-lock.yaml").is_file() || folder.join("aam.yaml").is_file();
        let root = folder.ancestors().find(is_project).unwrap_or(&folder).to_owned();
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The project's own manifest, where it is a package itself.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.root.join("aam.yaml")
    }

    /// Everything of ours.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join(".aam")
    }

    /// What is installed, for everybody who works on the project.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.folder().join("aam-lock.yaml")
    }

    /// What was written in this copy of the project.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder().join("installed.yaml")
    }

    /// The unpacked packages.
    pub(crate) fn packages(&self) -> PathBuf {
        self.folder().join("packages")
    }

    /// One unpacked package.
    pub(crate) fn package(&self, name: &PackageName) -> PathBuf {
        self.packages().join(name.fs_name())
    }

    /// Waits until no other command changes the project. The kernel lets go of
    /// the lock when the process ends, however it ends.
    pub(crate) fn guard(&self) -> Result<Guard<'_>> {
        let folder = self.folder();
        fs::create_dir_all(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
        let ignore = folder.join(".gitignore");
        if !ignore.exists() {
            atomic_file::write(&ignore, IGNORED.as_bytes(), Mode::Plain)?;
        }
        let path = folder.join(".guard");
        let failed = |error: io::Error| Failure::io("lock", &path, &error);
        let file = File::create(&path).map_err(failed)?;
        file.lock().map_err(|error| {
            Failure::new(Kind::Other, "io", format!("Cannot lock {}: {error}", self.folder().display()))
        })?;
        self.sweep();
        Ok(Guard { project: self, _file: file })
    }

    /// Removes what a killed command left behind; nobody else works here now.
    fn sweep(&self) {
        let entries = fs::read_dir(self.folder()).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".new-")) {
            // What cannot be removed now is tried again next time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }

    /// A folder to unpack into before anything is in its place.
    pub(crate) fn workshop(&self) -> Result<tempfile::TempDir> {
        let folder = self.folder();
        tempfile::Builder::new()
            .prefix(".new-")
            .tempdir_in(&folder)
            .map_err(|error| Failure::io("make a folder in", &folder, &error))
    }

    /// Removes `.aam` where nothing is left in it that is not ours.
    fn clear(&self) {
        // Each may be missing, and the folder may hold something else: all fine.
        let _ = fs::remove_dir(self.packages());
        let _ = fs::remove_file(self.folder().join(".guard"));
        let ignore = self.folder().join(".gitignore");
        if fs::read(&ignore).is_ok_and(|text| text == IGNORED.as_bytes()) {
            let _ = fs::remove_file(ignore);
        }
        let _ = fs::remove_dir(self.folder());
    }
}
