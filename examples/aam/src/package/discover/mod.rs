//! Finding the skills, agents, prompts and instructions that a folder holds
//! already, in the places where tools and their plugins keep them.

mod about;
mod duplicates;
mod license;
mod marketplace;
mod naming;
mod places;
mod plugin_parts;
mod walk;

use std::path::{Path, PathBuf};

use aam_registry_core::types::ArtifactType;
use serde::Serialize;

use crate::failure::{Detail, Result};

pub(crate) use about::About;
pub(crate) use naming::package_name;

/// A description that a package takes, made of a longer one.
pub(crate) fn shortened(text: &str) -> String {
    naming::shortened(text, naming::MAX_PACKAGE)
}

/// One artifact that lies in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    #[serde(rename = "type", serialize_with = "kind_name")]
    pub(crate) kind: ArtifactType,
    pub(crate) name: String,
    /// Its path in the folder, with `/`; that of a skill is its folder, empty for the whole folder.
    pub(crate) path: String,
    pub(crate) description: String,
    /// The plugin it is a part of, by the plugin's folder; empty for the folder itself.
    #[serde(skip)]
    pub(crate) plugin: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn kind_name<S: serde::Serializer>(kind: &ArtifactType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

impl Found {
    /// The folder that can be a package of its own: the plugin's, else a
    /// skill's; `None` for a file that lies in neither.
    pub(crate) fn unit(&self) -> Option<&str> {
        match (&*self.plugin, self.kind) {
            ("", ArtifactType::Skill) => Some(&self.path),
            ("", _) => None,
            (plugin, _) => Some(plugin),
        }
    }
}

/// Where no two artifacts of a type may have one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Everything becomes one package.
    OfAll,
    /// Each unit becomes a package.
    OfUnits,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// Sorted by type and name.
    pub(crate) found: Vec<Found>,
    /// What was seen and cannot be taken, each with why.
    pub(crate) not_taken: Vec<Detail>,
    /// Every file that may go into a package, by its path with `/`.
    pub(crate) files: Vec<String>,
}

/// Looks at `folder` and all that is below it, save what its ignore files leave
/// out. Names need be unique in the whole, or within each [unit](Found::unit) only.
pub(crate) fn discover(folder: &Path, names: Names) -> Result<Discovery> {
    let seen = walk::walk(folder)?;
    let plugins = marketplace::plugins(&seen);
    let mut discovery = Discovery { not_taken: seen.not_taken.clone(), ..Discovery::default() };
    discovery.not_taken.extend(plugins.not_taken.iter().cloned());
    let candidates = places::artifacts(&seen, &plugins, &mut discovery.not_taken);
    discovery.found = duplicates::settle(&seen, candidates, names, &mut discovery.not_taken);
    discovery.not_taken.sort_by(|a, b| a.field.cmp(&b.field));
    discovery.not_taken.dedup();
    discovery.files = seen.files;
    Ok(discovery)
}

/// What a folder says of itself as a package; `repository` is the folder that it is a part of, or itself.
pub(crate) fn about(folder: &Path, repository: &Path) -> About {
    about::read(folder, repository)
}

/// Every file that was seen, and what was left out.
#[derive(Debug)]
struct Seen {
    root: PathBuf,
    /// The paths of files, sorted, with `/`.
    files: Vec<String>,
    not_taken: Vec<Detail>,
}

impl Seen {
    /// The bytes of a file that was seen, or why it cannot be taken.
    fn read(&self, path: &str) -> Result<Vec<u8>, Detail> {
        let unreadable = |error| Detail::new(path, format!("cannot be read ({error}); make it readable"));
        std::fs::read(self.root.join(path)).map_err(unreadable)
    }

    /// Whether there is a file at `path`.
    fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|file| file.as_str().cmp(path)).is_ok()
    }

    /// The files below `folder`; all for the empty one.
    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.iter().map(String::as_str).filter(move |file| is_below(file, folder))
    }
}

/// Whether `path` is below `folder`, or is it; everything is below the empty one.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `folder/name`, or `name` in the empty folder.
fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
