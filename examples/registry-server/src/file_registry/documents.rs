use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `registry.yaml`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RegistryDocument {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) api_version: u32,
    pub(crate) created_at: String,
}

/// `index.yaml`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct IndexDocument {
    pub(crate) packages: Vec<IndexEntry>,
}

/// One package in `index.yaml`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IndexEntry {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) latest: String,
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    #[serde(default)]
    pub(crate) artifact_types: Vec<String>,
    #[serde(default)]
    pub(crate) updated_at: String,
}

/// `metadata.yaml` of a package.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PackageDocument {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) author: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) repository: Option<String>,
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    #[serde(default)]
    pub(crate) dist_tags: BTreeMap<String, String>,
    /// Oldest published first.
    #[serde(default)]
    pub(crate) versions: Vec<VersionEntry>,
}

/// One version in `metadata.yaml`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VersionEntry {
    /// The version, as [`in_file_names`](super::in_file_names) spells it.
    pub(crate) version: String,
    /// When it was published (RFC 3339).
    pub(crate) published: String,
    /// `sha256:` and the digest of the archive in hexadecimal digits.
    pub(crate) checksum: String,
    /// The size of the archive in bytes.
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) dependencies: BTreeMap<String, String>,
}
