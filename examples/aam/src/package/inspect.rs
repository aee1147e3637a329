//! Everything that is wrong with a package, at once.

use std::{fs, io, path::Path};

use aam_registry_core::types::{Manifest, ManifestLimits};
use serde::Serialize;

use super::{artifacts, packed::Packed};
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

/// Looks at the package at `path`, a folder or an archive.
pub(crate) fn inspect(path: &Path) -> Findings {
    if !path.is_dir() {
        return match Packed::open(path) {
            Ok(packed) => Findings { warnings: packed.suspects.clone(), packed: Some(packed), ..Findings::default() },
            Err(failure) => Findings::of(failure),
        };
    }
    let mut findings = Findings::default();
    let bytes = match fs::read(path.join("aam.yaml")) {
        Ok(bytes) => bytes,
        Err(error) => {
            let what = if error.kind() == io::ErrorKind::NotFound {
                "make one with `aam pkg init`"
            } else {
                "make it readable"
            };
            findings.faults.push(Detail::new("aam.yaml", format!("{error}; {what}")));
            return findings;
        }
    };
    match Manifest::parse_within(&bytes, &ManifestLimits::default()) {
        Ok(manifest) => {
            for kind in aam_registry_core::types::ArtifactType::ALL {
                for (at, artifact) in manifest.artifacts.of(kind).iter().enumerate() {
                    let field = format!("artifacts.{}[{at}]", kind.plural());
                    let Findings { faults, warnings, .. } = &mut findings;
                    artifacts::look_at(path, kind, artifact, &field, faults, warnings);
                }
            }
        }
        Err(faults) => {
            findings.faults.extend(faults.into_iter().map(|fault| Detail::new(fault.field, fault.error)));
        }
    }
    if findings.faults.is_empty() {
        match Packed::pack(path) {
            Ok(packed) => {
                findings.warnings.extend(packed.suspects.iter().cloned());
                findings.packed = Some(packed);
            }
            Err(failure) => return Findings::of(failure),
        }
    }
    findings
}

fn faults_of(failure: Failure) -> Vec<Detail> {
    if failure.details.is_empty() { vec![Detail::new("archive", &*failure.message)] } else { failure.details }
}
