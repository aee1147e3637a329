use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Time, VersionRow};
use crate::types::{ArtifactType, Package, PackageSummary, Page};

/// A page of packages.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SearchPage {
    packages: Vec<PackageRow>,
    /// Packages on all pages.
    total: u64,
    /// The page this is.
    page: u64,
    /// How many pages there are; 0 where nothing was found.
    pages: u64,
}

/// One package of a search.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PackageSummary")]
struct PackageRow {
    /// The full name.
    name: String,
    /// The scope; empty if there is none.
    scope: String,
    description: String,
    author: Option<String>,
    latest_version: String,
    keywords: Vec<String>,
    /// The types of its artifacts: `agent`, `skill`, `prompt`, `instruction`.
    artifact_types: Vec<&'static str>,
    /// May be up to a minute old.
    downloads: u64,
    updated_at: Time,
}

impl From<Page<PackageSummary>> for SearchPage {
    fn from(page: Page<PackageSummary>) -> Self {
        let (total, pages) = (page.total, page.pages());
        let packages = page.items.into_iter().map(PackageRow::from).collect();
        Self { packages, total, page: page.request.page, pages }
    }
}

impl From<PackageSummary> for PackageRow {
    fn from(package: PackageSummary) -> Self {
        Self {
            name: package.name.to_string(),
            scope: package.name.scope_or_empty().to_owned(),
            description: package.description,
            author: package.author,
            latest_version: package.latest_version.to_string(),
            keywords: package.keywords,
            artifact_types: package.artifact_types.into_iter().map(ArtifactType::as_str).collect(),
            downloads: package.downloads,
            updated_at: package.updated_at.into(),
        }
    }
}

/// A package.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Package")]
pub(crate) struct PackageAnswer {
    /// The full name.
    name: String,
    /// The scope; empty if there is none.
    scope: String,
    description: String,
    author: Option<String>,
    license: Option<String>,
    repository: Option<String>,
    homepage: Option<String>,
    keywords: Vec<String>,
    /// `null` if there is none, for example because all versions are yanked.
    latest_version: Option<String>,
    created_at: Time,
    updated_at: Time,
    /// Usernames.
    owners: Vec<String>,
    /// `public`.
    visibility: &'static str,
    /// Downloads of all versions; may be up to a minute old.
    downloads: u64,
    /// The version that each dist-tag names.
    dist_tags: BTreeMap<String, String>,
    /// Newest published first, including yanked ones: at most 1,000, and fewer if their dependencies
    /// have more than 256 KiB. `/versions?before=` lists older ones.
    versions: Vec<VersionRow>,
    /// How many versions there are in total.
    versions_total: u64,
}

impl From<Package> for PackageAnswer {
    fn from(package: Package) -> Self {
        let latest_version = package.latest().map(ToString::to_string);
        let manifest = package.manifest;
        Self {
            name: package.name.to_string(),
            scope: package.name.scope_or_empty().to_owned(),
            description: manifest.description,
            author: manifest.author,
            license: manifest.license,
            repository: manifest.repository,
            homepage: manifest.homepage,
            keywords: manifest.keywords,
            latest_version,
            created_at: package.created_at.into(),
            updated_at: package.updated_at.into(),
            owners: package.owners.iter().map(ToString::to_string).collect(),
            visibility: package.visibility.as_str(),
            downloads: package.downloads,
            dist_tags: package.dist_tags.iter().map(|(tag, version)| (tag.to_string(), version.to_string())).collect(),
            versions: package.versions.into_iter().map(VersionRow::from).collect(),
            versions_total: package.version_count,
        }
    }
}
