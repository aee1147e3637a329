//! What lies where packages were installed and is not what they hold.

use std::collections::BTreeSet;

use aam_registry_core::types::{ArtifactType, PackageName};

use super::{
    place::Place,
    plan::{Plan, PlannedFile},
    present::{Present, present},
    record::Record,
    roots::Roots,
    section::{self, Markers},
    source::Package,
};
use crate::{confined::Folder, failure::Result};

/// A file that is not what a package holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) package: PackageName,
    /// Where it is, as a person would name it.
    pub(crate) path: String,
    pub(crate) kind: DifferenceKind,
}

/// How it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DifferenceKind {
    /// It has other contents, or is no plain file.
    Changed,
    /// It is not there.
    Missing,
    /// It is there and not of the package.
    Planted,
}

impl DifferenceKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Planted => "planted",
        }
    }

    /// What is to be said of the file at `path`.
    pub(crate) fn told(self, path: &str) -> String {
        match self {
            Self::Changed => format!("{path} is not what was published"),
            Self::Missing => format!("{path} was installed and is missing"),
            Self::Planted => format!("{path} is not of the package"),
        }
    }
}

/// Compares what lies unpacked in `folder`, which people call `shown`, with the package that it should be.
pub(crate) fn unpacked_differences(package: &Package, folder: &Folder, shown: &str) -> Vec<Difference> {
    let name = &package.manifest.name;
    let found = |path: String, kind| Difference { package: name.clone(), path, kind };
    // What cannot be listed, such as a folder with a link in it, is nothing that a package was unpacked to.
    let Ok(listed) = folder.files() else { return vec![found(shown.to_owned(), DifferenceKind::Changed)] };
    let mut differences = Vec::new();
    for (path, executable) in package.paths() {
        let kind = match listed.iter().find(|listed| listed.path == path) {
            None => DifferenceKind::Missing,
            Some(listed) => {
                let published = super::read(package, path).ok();
                let is_same = published.is_some() && folder.read(path).is_ok_and(|bytes| bytes == published);
                if is_same && listed.executable == executable {
                    continue;
                }
                DifferenceKind::Changed
            }
        };
        differences.push(found(format!("{shown}/{path}"), kind));
    }
    let of_package: BTreeSet<_> = package.paths().map(|(path, _)| path).collect();
    let planted = listed.iter().filter(|listed| !of_package.contains(&*listed.path));
    differences.extend(planted.map(|listed| found(format!("{shown}/{}", listed.path), DifferenceKind::Planted)));
    differences
}

/// Compares what lies where tools look for it with what `plan` puts there. What is not there is missing only if it is
/// on record that it was: a clone of a project has no files before the first install.
pub(crate) fn deployed_differences(roots: &Roots, record: &Record, plan: &Plan) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for (place, file) in &plan.files {
        let kind = match present(roots, place)? {
            Present::File(found) if found == file.sha256 => continue,
            Present::Nothing if record.file(place).is_none() => continue,
            Present::Nothing => DifferenceKind::Missing,
            _ => DifferenceKind::Changed,
        };
        differences.push(Difference { package: file.package.clone(), path: place.to_string(), kind });
    }
    for (place, sections) in &plan.sections {
        let text = roots.read(place)?.unwrap_or_default();
        for (id, planned) in sections {
            let kind = match Markers::new(id).body(&text) {
                Ok(Some(there)) if there == planned.body => continue,
                Ok(None) if record.section(place, id).is_none() || section::holds_body(&text, &planned.body) => {
                    continue;
                }
                Ok(None) => DifferenceKind::Missing,
                Ok(Some(_)) | Err(_) => DifferenceKind::Changed,
            };
            let path = format!("{place}, section {id}");
            differences.push(Difference { package: planned.package.clone(), path, kind });
        }
    }
    for (folder, package) in skill_folders(plan) {
        // A link or a device among the files of a skill.
        let Ok(paths) = roots.files(&folder) else {
            differences.push(Difference { package, path: folder.to_string(), kind: DifferenceKind::Changed });
            continue;
        };
        for path in paths {
            let place = folder.join(&path)?;
            if !plan.files.contains_key(&place) {
                let (package, path) = (package.clone(), place.to_string());
                differences.push(Difference { package, path, kind: DifferenceKind::Planted });
            }
        }
    }
    Ok(differences)
}

/// The same where not every package is at hand, so that it cannot be said what should be where: what is on record has to
/// lie there as it was written.
pub(crate) fn recorded_differences(roots: &Roots, record: &Record) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for (place, file) in &record.files {
        let kind = match present(roots, &place.0.0)? {
            Present::File(found) if *file.sha256 == found => continue,
            Present::Nothing => DifferenceKind::Missing,
            _ => DifferenceKind::Changed,
        };
        differences.push(Difference { package: file.package.0.clone(), path: place.0.0.to_string(), kind });
    }
    Ok(differences)
}

/// The folders in which everything is of one skill.
fn skill_folders(plan: &Plan) -> Vec<(Place, PackageName)> {
    let is_head = |(place, file): &(&Place, &PlannedFile)| {
        file.kind() == ArtifactType::Skill && place.path().rsplit('/').next() == Some("SKILL.md")
    };
    let heads = plan.files.iter().filter(is_head);
    let folders = heads.filter_map(|(place, file)| Some((place.folders().next()?, file.package.clone())));
    let mut outermost: Vec<(Place, PackageName)> = Vec::new();
    for (folder, package) in folders {
        if !folder.folders().any(|above| outermost.iter().any(|(known, _)| *known == above)) {
            outermost.push((folder, package));
        }
    }
    outermost
}
