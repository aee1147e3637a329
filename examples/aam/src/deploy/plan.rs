//! What should stand where, from the installed packages alone: the same
//! packages and platforms make the same plan, whatever was installed before.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
};

use aam_registry_core::types::{Artifact, ArtifactType, Manifest, PackageName};
use walkdir::WalkDir;

use super::{
    agent,
    document::Document,
    place::{Base, Place, Roots},
    platform::Platform,
    rules::Target,
    section,
};
use crate::failure::{Detail, Failure, Result};

/// An unpacked package and the platforms it is for.
#[derive(Debug)]
pub(crate) struct Deployable<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) folder: &'a Path,
    pub(crate) platforms: &'a BTreeSet<Platform>,
}

/// Files and sections to be.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) files: BTreeMap<Place, PlannedFile>,
    /// By file, then by what the markers say.
    pub(super) sections: BTreeMap<Place, BTreeMap<String, PlannedSection>>,
}

/// One file to be.
#[derive(Debug)]
pub(super) struct PlannedFile {
    pub(super) package: PackageName,
    pub(super) contents: Contents,
}

/// Where the contents of a file come from.
#[derive(Debug)]
pub(super) enum Contents {
    /// A file of the unpacked package, with its mode.
    Copy(PathBuf),
    Bytes(Vec<u8>),
}

/// One section to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlannedSection {
    pub(super) package: PackageName,
    pub(super) body: Vec<u8>,
}

/// Plans where `packages` go.
pub(crate) fn plan(packages: &[Deployable<'_>], roots: &Roots) -> Result<Plan> {
    let claims = claims(packages)?;
    let mut plan = Plan::default();
    for package in packages {
        for (platform, kind, artifact) in artifacts(package) {
            let target = platform.rules().target(kind);
            let shared = claims.get(&claim(target, kind, &artifact.name)?).is_some_and(|owners| owners.len() > 1);
            let name = if shared {
                format!("{}--{}", package.manifest.name.fs_name(), artifact.name)
            } else {
                artifact.name.clone()
            };
            plan.add(package, target, kind, artifact, &name, roots)?;
        }
    }
    plan.unique()
}

fn artifacts<'a>(package: &'a Deployable<'_>) -> impl Iterator<Item = (Platform, ArtifactType, &'a Artifact)> {
    package
        .platforms
        .iter()
        .flat_map(|platform| package.manifest.artifacts.iter().map(|(kind, artifact)| (*platform, kind, artifact)))
}

/// Which packages want each target, by their artifacts' own names.
fn claims<'a>(packages: &'a [Deployable<'_>]) -> Result<BTreeMap<String, BTreeSet<&'a PackageName>>> {
    let mut claims: BTreeMap<String, BTreeSet<&PackageName>> = BTreeMap::new();
    for package in packages {
        for (platform, kind, artifact) in artifacts(package) {
            let claim = claim(platform.rules().target(kind), kind, &artifact.name)?;
            claims.entry(claim).or_default().insert(&package.manifest.name);
        }
    }
    Ok(claims)
}

/// What two artifacts must not both be, upper and lower case alike.
fn claim(target: &Target, kind: ArtifactType, name: &str) -> Result<String> {
    Ok(match target {
        Target::Section { file, .. } => format!("{file}#{}", section_id(kind, name).to_lowercase()),
        Target::Folder { .. } | Target::File { .. } => place(target, name)?.folded(),
    })
}

fn section_id(kind: ArtifactType, name: &str) -> String {
    format!("{name} {}", kind.as_str())
}

fn place(target: &Target, name: &str) -> Result<Place> {
    match target {
        Target::Folder { base, folder } => Place::new(*base, &format!("{folder}/{name}")),
        Target::File { base, folder, prefix, suffix, .. } => {
            Place::new(*base, &format!("{folder}/{prefix}{name}{suffix}"))
        }
        Target::Section { file, .. } => Place::new(Base::Project, file),
    }
}

impl Plan {
    fn add(
        &mut self,
        package: &Deployable<'_>,
        target: &Target,
        kind: ArtifactType,
        artifact: &Artifact,
        name: &str,
        roots: &Roots,
    ) -> Result<()> {
        let place = place(target, name)?;
        let owner = &package.manifest.name;
        let document = || -> Result<Document> {
            let mut document = match kind {
                ArtifactType::Agent => agent::read(package.folder, artifact)?,
                _ => Document::read(package.folder, artifact)?,
            };
            name.clone_into(&mut document.name);
            Ok(document)
        };
        match target {
            Target::Folder { .. } => self.add_folder(owner, &package.folder.join(&artifact.path), &place),
            Target::File { contents, .. } => {
                let bytes = contents(&document()?);
                self.add_file(owner, place, Contents::Bytes(bytes))
            }
            Target::Section { contents, .. } => {
                let body = contents(&document()?);
                if section::holds_markers(&body) {
                    return Err(Failure::invalid(format!(
                        "The {} {} of {owner} holds AAM markers of its own; it cannot be put into {place}",
                        kind.as_str(),
                        artifact.name
                    )));
                }
                // Two names of one file, such as a link from CLAUDE.md to AGENTS.md, get a section once.
                let sections = self.sections.entry(roots.follow(place)?).or_default();
                let planned = PlannedSection { package: owner.clone(), body: section::closed(&body) };
                match sections.insert(section_id(kind, name), planned) {
                    Some(before) if before.package != *owner => Err(collision(owner, name)),
                    _ => Ok(()),
                }
            }
        }
    }

    fn add_folder(&mut self, owner: &PackageName, folder: &Path, place: &Place) -> Result<()> {
        if folder.is_file() {
            return self.add_file(owner, place.join("SKILL.md")?, Contents::Copy(folder.to_owned()));
        }
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry.map_err(|error| Failure::invalid(format!("Cannot read a package: {error}")))?;
            if !entry.file_type().is_file() {
                continue;
            }
            let inner = entry.path().strip_prefix(folder).ok().and_then(Path::to_str);
            let inner = inner.ok_or_else(|| Failure::invalid(format!("{owner} holds a file whose name is no text")))?;
            let inner = inner.replace(std::path::MAIN_SEPARATOR, "/");
            self.add_file(owner, place.join(&inner)?, Contents::Copy(entry.path().to_owned()))?;
        }
        Ok(())
    }

    fn add_file(&mut self, owner: &PackageName, place: Place, contents: Contents) -> Result<()> {
        match self.files.entry(place) {
            Entry::Occupied(taken) => Err(collision(owner, &taken.key().to_string())),
            Entry::Vacant(free) => {
                free.insert(PlannedFile { package: owner.clone(), contents });
                Ok(())
            }
        }
    }

    /// Refuses files that are one on a file system that ignores case.
    fn unique(self) -> Result<Self> {
        let mut seen = BTreeMap::new();
        for (place, file) in &self.files {
            if seen.insert(place.folded(), place).is_some() {
                return Err(collision(&file.package, &place.to_string()));
            }
        }
        Ok(self)
    }
}

fn collision(owner: &PackageName, what: &str) -> Failure {
    Failure::invalid("Two artifacts would be written to the same place")
        .details(vec![Detail::new(owner.as_str(), what)])
        .hint("install them for different platforms, or only one of them")
}
