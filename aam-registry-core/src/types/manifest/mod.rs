//! The manifest `aam.yaml` (contract, section 4).

mod document;
mod faults;
mod validate;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::types::{Artifacts, Constraint, PackageName, Version};

/// One thing wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFault {
    /// Where, as a path of keys: `artifacts.skills[0].path`.
    pub field: String,
    /// What, and what to do about it.
    pub error: String,
}

/// A manifest that passed validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The package's full name.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// 1 to 256 characters.
    pub description: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// Its licence, as written.
    pub license: Option<String>,
    /// An http or https URL.
    pub repository: Option<String>,
    /// An http or https URL.
    pub homepage: Option<String>,
    /// At most 20, each `^[a-z0-9-]{1,32}$`.
    pub keywords: Vec<String>,
    /// At least one.
    pub artifacts: Artifacts,
    /// What it needs.
    pub dependencies: BTreeMap<PackageName, Constraint>,
    /// The whole document, unknown keys included: what is stored.
    pub document: Value,
}

impl Manifest {
    /// The largest `aam.yaml` that is read, in bytes. Packers list every file
    /// with its checksum in it, so it grows with the package.
    pub const MAX_SIZE: usize = 2 * 1024 * 1024;

    /// Reads and validates an `aam.yaml`.
    ///
    /// # Errors
    /// Every fault at once, at least one, in the order of the contract's list.
    pub fn parse(yaml: &[u8]) -> Result<Self, Vec<ManifestFault>> {
        Self::from_document(document::read(yaml).map_err(|fault| vec![fault])?)
    }

    /// Validates a document that was read before.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn from_document(document: Value) -> Result<Self, Vec<ManifestFault>> {
        validate::validate(document)
    }
}

#[cfg(test)]
mod tests;
