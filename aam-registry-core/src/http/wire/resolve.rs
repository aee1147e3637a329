use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    rules,
    version::{Checksum, Dependencies, dependencies},
};
use crate::types::{PackageName, VersionSummary};

/// One version chosen for a constraint or dist-tag.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Resolved")]
pub(crate) struct ResolvedAnswer {
    /// The package's full name.
    name: String,
    #[serde(flatten)]
    version: ResolvedVersion,
}

/// A chosen version.
#[derive(Debug, Serialize, JsonSchema)]
struct ResolvedVersion {
    version: String,
    checksum: Checksum,
    /// A path on this registry.
    download_url: String,
    /// In bytes.
    archive_size: u64,
    dependencies: Dependencies,
}

impl ResolvedVersion {
    fn new(summary: &VersionSummary, download_url: String) -> Self {
        Self {
            version: summary.version.to_string(),
            checksum: summary.sha256.into(),
            download_url,
            archive_size: summary.archive_size,
            dependencies: dependencies(&summary.dependencies),
        }
    }
}

impl ResolvedAnswer {
    pub(crate) fn new(name: &PackageName, summary: &VersionSummary, download_url: String) -> Self {
        Self { name: name.to_string(), version: ResolvedVersion::new(summary, download_url) }
    }
}

/// The packages to resolve together.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ResolveRequest {
    /// Full package names, each with a version constraint or a dist-tag; an empty text means `latest`.
    #[schemars(extend(
        "propertyNames" = {"pattern": rules::PACKAGE},
        "additionalProperties" = {"type": "string", "pattern": rules::SELECTOR, "maxLength": rules::SELECTOR_LENGTH}
    ))]
    pub(crate) dependencies: BTreeMap<String, String>,
}

/// One version of every package that is needed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Resolution")]
pub(crate) struct ResolutionAnswer {
    /// By full package name.
    resolved: BTreeMap<String, ResolvedVersion>,
}

impl ResolutionAnswer {
    pub(crate) fn new(
        resolved: &BTreeMap<PackageName, VersionSummary>,
        download_url: impl Fn(&PackageName, &VersionSummary) -> String,
    ) -> Self {
        let rows = resolved.iter();
        let rows = rows.map(|(name, one)| (name.to_string(), ResolvedVersion::new(one, download_url(name, one))));
        Self { resolved: rows.collect() }
    }
}
