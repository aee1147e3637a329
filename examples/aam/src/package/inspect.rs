//! Everything that is wrong with a package, at once.

use std::{fs, path::Path};

use aam_registry_core::types::{Manifest, ManifestLimits};
use serde::Serialize;

use super::{artifacts, packed::Packed};
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

/// Looks at the package at `path`, a folder or an archive.
pub(crate) fn inspect(path: &Path) -> Findings {
    if !path.is_dir() {
        return match Packed::open(path) {
            Ok(packed) => Findings { packed: Some(packed), ..Findings::default() },
            Err(failure) => Findings { faults: faults_of(failure), ..Findings::default() },
        };
    }
    let mut findings = Findings::default();
    let bytes = match fs::read(path.join("aam.yaml")) {
        Ok(bytes) => bytes,
        Err(error) => {
            findings.faults.push(Detail::new("aam.yaml", format!("{error}; make one with `aam pkg init`")));
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
            Err(failure) => findings.faults.extend(faults_of(failure)),
        }
    }
    findings
}

fn faults_of(failure: Failure) -> Vec<Detail> {
    if failure.details.is_empty() { vec![Detail::new("archive", &*failure.message)] } else { failure.details }
}
