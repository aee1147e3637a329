//! Everything that is wrong with a package, at once.

use std::{
    fs::{self, File},
    path::Path,
};

use aam_registry_core::{
    archive::{self, ArchiveLimits},
    types::{ArtifactType, Manifest, PackageName},
};
use serde::Serialize;
use tempfile::TempDir;

use super::{artifacts, packed::Packed, skeleton};
use crate::failure::{Detail, Failure, Result};

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
}

impl Findings {
    /// The archive and the warnings, or the failure of a package with faults.
    pub(crate) fn into_result(self) -> Result<(Packed, Vec<Detail>)> {
        match self.packed {
            Some(packed) if self.faults.is_empty() => Ok((packed, self.warnings)),
            _ => {
                let many = if self.faults.len() == 1 { "fault" } else { "faults" };
                Err(Failure::invalid(format!("The package has {} {many}", self.faults.len())).details(self.faults))
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
    let bytes = match fs::read(path.join("aam.yaml")) {
        Ok(bytes) => bytes,
        Err(error) => {
            findings.faults.push(Detail::new(
                "aam.yaml",
                format!(
                    "{error}; make one of what is there with `aam pkg create`, or a new package with `aam pkg init`"
                ),
            ));
            return findings;
        }
    };
    match Manifest::parse_within(&bytes, limits.manifest()) {
        Ok(manifest) => {
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
    if findings.faults.is_empty() {
        match Packed::pack(path, limits) {
            Ok(packed) => {
                findings.warnings.extend(packed.suspects.iter().cloned());
                findings.packed = Some(packed);
            }
            Err(failure) => findings.faults.extend(faults_of(failure)),
        }
    }
    findings
}

fn inspect_archive(path: &Path, limits: &ArchiveLimits) -> Findings {
    let mut findings = Findings::default();
    match Packed::open(path, limits).and_then(|packed| Ok((unpacked(path, limits)?, packed))) {
        Ok((folder, packed)) => {
            look_into(folder.path(), &packed.judged.manifest, &mut findings);
            findings.packed = Some(packed);
        }
        Err(failure) => findings.faults = faults_of(failure),
    }
    findings
}

/// The files of the archive at `path`, which was judged before.
fn unpacked(path: &Path, limits: &ArchiveLimits) -> Result<TempDir> {
    let failed = |error: std::io::Error| Failure::io("unpack", path, &error);
    let folder = tempfile::Builder::new().prefix("aam-look-").tempdir().map_err(failed)?;
    let file = File::open(path).map_err(failed)?;
    archive::unpack(file, folder.path(), limits).map_err(|error| Failure::invalid(error.to_string()))?;
    Ok(folder)
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
