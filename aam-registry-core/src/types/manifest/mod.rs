//! The manifest `aam.yaml`.

mod advice;
mod document;
mod faults;
mod limits;
mod validate;

use std::collections::BTreeMap;

use serde_json::Value;

pub use limits::ManifestLimits;

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

    /// Reads and validates an `aam.yaml` that is to be published.
    ///
    /// # Errors
    /// Every fault at once, at least one, in the order of the contract's list;
    /// what is beyond `limits` comes last.
    pub fn parse_within(yaml: &[u8], limits: &ManifestLimits) -> Result<Self, Vec<ManifestFault>> {
        validate::validate(document::read(yaml).map_err(|fault| vec![fault])?, limits)
    }

    /// Reads and validates an `aam.yaml` that was published once, whatever the
    /// limits were then.
    ///
    /// # Errors
    /// As for [`parse_within`](Self::parse_within).
    pub fn parse(yaml: &[u8]) -> Result<Self, Vec<ManifestFault>> {
        Self::parse_within(yaml, &ManifestLimits::NONE)
    }

    /// Validates a document that was read before, whatever the limits were then.
    ///
    /// # Errors
    /// As for [`parse_within`](Self::parse_within).
    pub fn from_document(document: Value) -> Result<Self, Vec<ManifestFault>> {
        validate::validate(document, &ManifestLimits::NONE)
    }
}

#[cfg(test)]
mod tests;
