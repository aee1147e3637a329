//! Where the files of a package are read from.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use aam_registry_core::types::{Manifest, Sha256Digest};

use super::skill;
use crate::{
    confined::Folder,
    failure::{Failure, Result},
    package::{MAX_TEXT, Unread, read_inside},
};

/// The files of a package by their path in it.
pub(crate) trait Source {
    /// The file at `path`; `None` where there is none, or a folder.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>>;
}

/// A folder that its author works in, of which only what can be packed is read.
#[derive(Debug)]
pub(super) struct Authored<'a>(pub(super) &'a Path);

impl Source for Authored<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match read_inside(self.0, path, MAX_TEXT) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Unread::Missing) => Ok(None),
            Err(Unread::Refused(why)) => Err(Failure::invalid(format!("{path} {why}"))),
            Err(Unread::Failed(error)) => Err(Failure::io("read the artifact", &self.0.join(path), &error)),
        }
    }
}

/// An unpacked package whose files are known to be those of its archive.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) manifest: Manifest,
    folder: Folder,
    files: BTreeMap<String, File>,
}

/// One file of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) sha256: Sha256Digest,
    pub(super) executable: bool,
}

impl Package {
    /// Reads the package that lies in `folder`.
    pub(crate) fn open(folder: Folder) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut manifest = None;
        for listed in folder.files()? {
            let bytes = folder.read(&listed.path)?.unwrap_or_default();
            files.insert(listed.path.clone(), File { sha256: Sha256Digest::of(&bytes), executable: listed.executable });
            if listed.path == "aam.yaml" {
                let path = folder.path().join("aam.yaml");
                let parsed = Manifest::parse(&bytes);
                manifest = Some(parsed.map_err(|faults| crate::package::invalid_manifest(&path, &faults))?);
            }
        }
        let manifest =
            manifest.ok_or_else(|| Failure::invalid(format!("{} holds no aam.yaml", folder.path().display())))?;
        Ok(Self { manifest, folder, files })
    }

    /// One digest over all its files: their paths, whether they are executable, their contents.
    pub(crate) fn tree(&self) -> Sha256Digest {
        let mut text = String::new();
        for (path, file) in &self.files {
            // With its length, a path that holds a line end cannot pass for two.
            let _ = writeln!(text, "{} {} {} {path}", file.sha256, u8::from(file.executable), path.len());
        }
        Sha256Digest::of(text.as_bytes())
    }

    /// The files below the folder `path`, by their path in it; the file itself where `path` is one.
    pub(super) fn below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str, File)> {
        self.files.iter().filter_map(move |(full, file)| {
            let inner = full.strip_prefix(path)?.strip_prefix('/')?;
            Some((&**full, inner, *file))
        })
    }

    /// The files of the skill at `path`, each with its path in the skill's folder.
    pub(super) fn skill<'a>(&'a self, path: &'a str) -> Vec<(&'a str, &'a str, File)> {
        let folder = match (skill::folder(path), self.file(path)) {
            (Some(folder), _) => folder,
            (None, Some(file)) => return vec![(path, "SKILL.md", file)],
            (None, None) => path,
        };
        if folder.is_empty() {
            let all = self.files.iter().filter(|(path, _)| *path != "aam.yaml");
            return all.map(|(path, file)| (&**path, &**path, *file)).collect();
        }
        self.below(folder).collect()
    }

    /// The file at `path`.
    pub(super) fn file(&self, path: &str) -> Option<File> {
        self.files.get(path).copied()
    }

    /// Every path of it.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&str, bool)> {
        self.files.iter().map(|(path, file)| (&**path, file.executable))
    }
}

/// A file of `package` that it is known to have.
pub(crate) fn read(package: &Package, path: &str) -> Result<Vec<u8>> {
    Ok(package.read(path)?.unwrap_or_default())
}

impl Source for Package {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.files.get(path) else { return Ok(None) };
        let bytes = self.folder.read(path)?;
        if bytes.as_ref().is_some_and(|bytes| Sha256Digest::of(bytes) == file.sha256) {
            return Ok(bytes);
        }
        Err(Failure::integrity(format!("{} was changed while it was read", self.folder.path().join(path).display())))
    }
}
