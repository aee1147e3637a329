//! What was unpacked and written, on record in the user's own files: what
//! comes with a repository could name anything.

use std::{collections::BTreeMap, path::Path};

use aam_registry_core::types::{PackageName, Sha256Digest};
use serde::{Deserialize, Serialize};

use crate::{
    config::Home,
    confined::{Folder, Mode},
    deploy::{Others, Record, Scope},
    failure::Result,
    project::{LockFile, Project},
    text::Text,
    yaml,
};

/// The folder of the records, in the user's own.
const FOLDER: &str = "projects";

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Where the project is; empty for the user's own.
    #[serde(default)]
    project: String,
    /// The packages that are unpacked, whole.
    #[serde(default)]
    pub(crate) unpacked: BTreeMap<Text<PackageName>, Unpacked>,
    /// A change that is under way, or was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unfinished: Option<Unfinished>,
    /// What was deployed.
    #[serde(flatten)]
    pub(crate) deployed: Record,
}

/// One unpacked package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unpacked {
    /// Of its archive.
    pub(crate) sha256: Text<Sha256Digest>,
    /// Of the files that the archive was unpacked to.
    pub(crate) tree: Text<Sha256Digest>,
}

/// A change from one lock file to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unfinished {
    /// A random number, which the project holds too while the change is under way: another project may be at the same
    /// path by now.
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) before: LockFile,
    pub(crate) after: LockFile,
}

/// The state of one project, and where it is kept.
#[derive(Debug)]
pub(crate) struct StateFile {
    home: Folder,
    path: String,
    project: String,
}

impl StateFile {
    /// Of `project`.
    pub(crate) fn of(home: &Home, project: &Project) -> Result<Self> {
        let path = project.root().display().to_string();
        let (name, project) = match project.scope() {
            Scope::User => ("global".to_owned(), String::new()),
            Scope::Project => {
                let digest = Sha256Digest::of(project.root().as_os_str().as_encoded_bytes()).to_string();
                (digest.chars().take(32).collect(), path)
            }
        };
        Ok(Self { home: home.open()?, path: format!("{FOLDER}/{name}.yaml"), project })
    }

    /// Reads it; a missing file is nothing.
    pub(crate) fn read(&self) -> Result<State> {
        let state: State = self.read_at(&self.path)?.unwrap_or_default();
        Ok(State { project: self.project.clone(), ..state })
    }

    /// Writes it; nothing is no file.
    pub(crate) fn write(&self, state: &State) -> Result<()> {
        if state.unpacked.is_empty() && state.unfinished.is_none() && state.deployed.is_empty() {
            self.home.remove_file(&self.path)?;
            self.home.remove_empty(FOLDER);
            return Ok(());
        }
        let head = "# Written by aam, for uninstall: what was written in one project. Do not edit.\n";
        yaml::write_in(&self.home, &self.path, head, state, Mode::Private)
    }

    /// What other projects that still exist, and the user's own installs, need.
    pub(crate) fn others(&self) -> Result<Others> {
        let records = self.other_records()?;
        let live = records.iter().filter(|state| state.project.is_empty() || Path::new(&state.project).is_dir());
        let uses: Vec<_> = live.flat_map(|state| state.deployed.uses(&state.project)).collect();
        Ok(Others::new(&self.project, uses))
    }

    /// What was unpacked in other projects, whether they still exist or not.
    pub(crate) fn unpacked_elsewhere(&self) -> Result<Vec<(Text<PackageName>, Unpacked)>> {
        Ok(self.other_records()?.into_iter().flat_map(|state| state.unpacked).collect())
    }

    fn read_at(&self, path: &str) -> Result<Option<State>> {
        yaml::read_in(&self.home, path).map_err(|failure| {
            failure.or_hint(
                "it is a record of installs; where it is damaged remove it: what was installed is then told from what is yours by \
                 comparing it with the packages",
            )
        })
    }

    fn other_records(&self) -> Result<Vec<State>> {
        let mut records = Vec::new();
        for name in self.home.names(FOLDER)? {
            let path = format!("{FOLDER}/{name}");
            let is_record = Path::new(&name).extension().is_some_and(|extension| extension == "yaml");
            if path != self.path && is_record {
                records.extend(self.read_at(&path)?);
            }
        }
        Ok(records)
    }
}
