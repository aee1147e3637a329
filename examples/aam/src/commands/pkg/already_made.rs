//! The packages that a folder holds already, whose names no other may get.

use std::{collections::BTreeMap, fs, path::Path};

use aam_registry_core::types::PackageName;
use serde_json::Value;

use crate::package::{Found, is_below};

/// The packages below a folder.
#[derive(Debug, Default)]
pub(super) struct AlreadyMade {
    /// By folder, each with its name, where its `aam.yaml` says one.
    packages: BTreeMap<String, Option<PackageName>>,
}

impl AlreadyMade {
    /// Those of `files`, the files of `folder`.
    pub(super) fn of(folder: &Path, files: &[String]) -> Self {
        let manifests = files.iter().filter_map(|file| {
            let at = file.strip_suffix("aam.yaml").filter(|at| at.is_empty() || at.ends_with('/'))?;
            Some((at.trim_end_matches('/').to_owned(), name(&folder.join(file))))
        });
        Self { packages: manifests.collect() }
    }

    /// What there is to say of the package in the folder `at`; `None` where there is none.
    pub(super) fn told(&self, folder: &Path, at: &str) -> Option<String> {
        match self.packages.get(at) {
            Some(Some(name)) => Some(format!("is the package {name} already; its aam.yaml stays as it is")),
            Some(None) => Some("has an aam.yaml already, which names no package, and stays as it is".to_owned()),
            // One that ignore files leave out is there all the same.
            None => fs::symlink_metadata(folder.join(at).join("aam.yaml"))
                .is_ok()
                .then(|| "has an aam.yaml already, which stays as it is".to_owned()),
        }
    }

    /// The path of the `aam.yaml` of another package called `name` than that in the folder `at`.
    pub(super) fn called(&self, name: &PackageName, at: &str) -> Option<String> {
        let others = self.packages.iter().filter(|(folder, _)| *folder != at);
        let mut same = others.filter(|(_, other)| other.as_ref() == Some(name));
        same.next().map(|(folder, _)| manifest(folder))
    }

    /// The packages below the folder itself that hold some of `found`, each by
    /// the path of its `aam.yaml`.
    pub(super) fn holding<'a>(&'a self, found: &'a [Found]) -> impl Iterator<Item = (String, String)> + 'a {
        let below = self.packages.iter().filter(|(folder, _)| !folder.is_empty());
        let holding = below.filter(|(folder, _)| found.iter().any(|one| is_below(&one.path, folder)));
        holding.map(|(folder, name)| {
            let named = name.as_ref().map_or_else(|| "a package".to_owned(), |name| format!("the package {name}"));
            (manifest(folder), named)
        })
    }
}

fn manifest(folder: &str) -> String {
    if folder.is_empty() { "aam.yaml".to_owned() } else { format!("{folder}/aam.yaml") }
}

/// The name that a manifest says, whatever else is wrong with it.
fn name(path: &Path) -> Option<PackageName> {
    // Whoever reads a pipe waits for its writer.
    let text = path.is_file().then(|| fs::read_to_string(path).ok())??;
    let values: Value = serde_saphyr::from_str(&text).ok()?;
    values["name"].as_str()?.parse().ok()
}
