//! Everything that is wrong with a package, at once.

use std::path::Path;

use aam_registry_core::{
    archive::ArchiveLimits,
    types::{ArtifactType, Manifest, PackageName},
};
use serde::Serialize;

use super::{
    artifacts,
    inside::{self, Unread},
    packed::Packed,
    skeleton,
};
use crate::failure::{Detail, Failure, Kind, Result};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Findings {
    /// What keeps it from being published or used.
    pub(crate) faults: Vec<Detail>,
    /// What its users would like better.
    pub(crate) warnings: Vec<Detail>,
    /// The archive of a package without faults.
    #[serde(skip)]
    pub(crate) packed: Option<Packed>,
    /// What kept it from being looked at, which is no fault of the package.
    #[serde(skip)]
    trouble: Option<Failure>,
}

impl Findings {
    /// What became of a package that could not be packed or read.
    fn of(failure: Failure) -> Self {
        if failure.kind == Kind::Invalid {
            return Self { faults: faults_of(failure), ..Self::default() };
        }
        Self { trouble: Some(failure), ..Self::default() }
    }

    /// The archive and the warnings, or the failure of a package with faults.
    pub(crate) fn into_result(self) -> Result<(Packed, Vec<Detail>)> {
        let Self { packed, faults, warnings, trouble } = self;
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        match packed {
            Some(packed) if faults.is_empty() => Ok((packed, warnings)),
            _ => {
                let many = if faults.len() == 1 { "fault" } else { "faults" };
                Err(Failure::invalid(format!("The package has {} {many}", faults.len())).details(faults))
            }
        }
    }
}

/// Looks at the package at `path`, a folder or an archive, as a registry with `limits` would.
pub(crate) fn inspect(path: &Path, limits: &ArchiveLimits) -> Findings {
    if !path.is_dir() {
        return inspect_archive(path, limits);
    }
    let mut findings = Findings::default();
    let bytes = match inside::read(path, "aam.yaml", Manifest::MAX_SIZE as u64) {
        Ok(bytes) => bytes,
        Err(unread) => {
            let why = match unread {
                Unread::Missing => "is missing: make one of what is there with `aam pkg create`, or a new package \
                                    with `aam pkg init`"
                    .to_owned(),
                Unread::Refused(why) => why,
                Unread::Failed(error) => format!("cannot be read ({error}); make it readable"),
            };
            findings.faults.push(Detail::new("aam.yaml", why));
            return findings;
        }
    };
    let mut is_read = false;
    match Manifest::parse_within(&bytes, limits.manifest()) {
        Ok(manifest) => {
            is_read = true;
            look_into(path, &manifest, &mut findings);
            if skeleton::is_placeholder(&manifest.name, &manifest.description) {
                let error = "still is the description that `aam pkg init` made up; say what the package is for";
                findings.faults.push(Detail::new("description", error));
            }
        }
        Err(faults) => {
            findings.faults.extend(faults.into_iter().map(|fault| Detail::new(fault.field, fault.error)));
        }
    }
    if is_read {
        match Packed::pack(path, limits) {
            Ok(packed) => {
                findings.warnings.extend(packed.suspects.iter().cloned());
                findings.packed = Some(packed);
            }
            Err(failure) if findings.faults.is_empty() => return Findings::of(failure),
            // What is wrong with an artifact was found above, in other words.
            Err(failure) if failure.kind == Kind::Invalid => {
                let is_told = |fault: &Detail| {
                    findings.faults.iter().any(|told| {
                        let path = told.error.split('`').nth(1);
                        told.field == fault.field || path.is_some_and(|path| fault.error.contains(path))
                    })
                };
                let more: Vec<_> = faults_of(failure).into_iter().filter(|fault| !is_told(fault)).collect();
                findings.faults.extend(more);
            }
            Err(_) => {}
        }
    }
    findings
}

fn inspect_archive(path: &Path, limits: &ArchiveLimits) -> Findings {
    let (packed, folder) = match Packed::open(path, limits) {
        Ok(opened) => opened,
        Err(failure) => return Findings::of(failure),
    };
    let mut findings = Findings { warnings: packed.suspects.clone(), ..Findings::default() };
    look_into(folder.path(), &packed.judged.manifest, &mut findings);
    findings.packed = Some(packed);
    findings
}

/// Looks at what the manifest of the package in `folder` names, and at its name.
fn look_into(folder: &Path, manifest: &Manifest, findings: &mut Findings) {
    let Findings { faults, warnings, .. } = findings;
    for kind in ArtifactType::ALL {
        for (at, artifact) in manifest.artifacts.of(kind).iter().enumerate() {
            let field = format!("artifacts.{}[{at}]", kind.plural());
            artifacts::look_at(folder, kind, artifact, &field, faults, warnings);
        }
    }
    if is_refused_when_new(&manifest.name) {
        let error = "has no scope and holds `--`, which stands between scope and name in folders: registries take no \
                     new package of such a name; use single hyphens, or a scope as in `@my_org/name`";
        warnings.push(Detail::new("name", error));
    }
}

/// Whether registries take no new package of this name, though one may exist from earlier.
pub(crate) fn is_refused_when_new(name: &PackageName) -> bool {
    name.scope().is_none() && name.bare().contains("--")
}

fn faults_of(failure: Failure) -> Vec<Detail> {
    if failure.details.is_empty() { vec![Detail::new("archive", &*failure.message)] } else { failure.details }
}
