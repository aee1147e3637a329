//! The manifest `aam.yaml`.

mod advice;
mod document;
mod faults;
mod limits;
mod validate;

use std::collections::BTreeMap;

use serde_json::Value;

pub use limits::ManifestLimits;
pub(crate) use validate::{MAX_DESCRIPTION, MAX_KEYWORD, MAX_KEYWORDS};

use crate::types::{Artifacts, Constraint, PackageName, Version};

/// A fault of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFault {
    /// Where: a path of keys such as `artifacts.skills[0].path`.
    pub field: String,
    /// What is wrong, and what to do about it.
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
    /// The packages it depends on.
    pub dependencies: BTreeMap<PackageName, Constraint>,
    /// Whether the package shall be private. Counts where this version makes the package.
    pub private: bool,
    /// The whole document as it is stored, including unknown keys.
    pub document: Value,
}

impl Manifest {
    /// The largest `aam.yaml` that is read, in bytes. It grows with the package, because packers list
    /// every file with its checksum in it.
    pub const MAX_SIZE: usize = 2 * 1024 * 1024;

    /// Reads and validates an `aam.yaml` that is to be published.
    ///
    /// # Errors
    /// All faults at once, at least one, in the order of the checks. Keys that ask for a feature which
    /// is not built yet are faults; parts beyond `limits` come last.
    pub fn parse_within(yaml: &[u8], limits: &ManifestLimits) -> Result<Self, Vec<ManifestFault>> {
        validate::validate(document::read(yaml).map_err(|fault| vec![fault])?, limits)
    }

    /// Reads and validates the `aam.yaml` of a published version, without limits.
    ///
    /// # Errors
    /// As for [`parse_within`](Self::parse_within).
    pub fn parse(yaml: &[u8]) -> Result<Self, Vec<ManifestFault>> {
        Self::parse_within(yaml, &ManifestLimits::NONE)
    }

    /// Validates the document of a published version, without limits.
    ///
    /// # Errors
    /// As for [`parse_within`](Self::parse_within).
    pub fn from_document(document: Value) -> Result<Self, Vec<ManifestFault>> {
        validate::validate(document, &ManifestLimits::NONE)
    }
}

#[cfg(test)]
mod tests;
