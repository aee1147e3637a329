use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{EvalRow, Time};
use crate::types::{
    Artifact, Artifacts, Constraint, PackageName, Quarantine, Sha256Digest, VersionDetail, VersionSummary, VersionText,
    VersionTexts,
};

/// The digest of an archive.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Checksum {
    /// SHA-256 in lower-case hex.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    sha256: String,
}

impl From<Sha256Digest> for Checksum {
    fn from(digest: Sha256Digest) -> Self {
        Self { sha256: digest.to_string() }
    }
}

/// Dependencies by full name, each with its version constraint.
pub(crate) type Dependencies = BTreeMap<String, String>;

pub(crate) fn dependencies(dependencies: &BTreeMap<PackageName, Constraint>) -> Dependencies {
    dependencies.iter().map(|(name, constraint)| (name.to_string(), constraint.to_string())).collect()
}

/// What those in charge of a version say about it.
#[derive(Debug, Serialize, JsonSchema)]
struct TextFields {
    /// The warning that clients show.
    deprecated: Option<String>,
}

impl From<VersionTexts> for TextFields {
    fn from(mut texts: VersionTexts) -> Self {
        Self { deprecated: texts.take(VersionText::Deprecation) }
    }
}

/// One version as its package lists it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VersionSummary")]
pub(crate) struct VersionRow {
    /// The version as published.
    version: String,
    published_at: Time,
    /// Whether it is yanked: no constraint resolves to it, but it can still be downloaded.
    yanked: bool,
    #[serde(flatten)]
    texts: TextFields,
    checksum: Checksum,
    /// In bytes.
    archive_size: u64,
    dependencies: Dependencies,
    /// `approved` if no approval is required, else `pending` until an approver decides, or `rejected`. Those that are not
    /// `approved` are listed only for callers who may see them.
    approval_status: &'static str,
    /// Whether it is in quarantine. Such a version is listed only for callers who may know of it.
    quarantined: bool,
}

impl From<VersionSummary> for VersionRow {
    fn from(summary: VersionSummary) -> Self {
        Self {
            version: summary.version.to_string(),
            published_at: summary.published_at.into(),
            yanked: summary.yanked,
            texts: summary.texts.into(),
            checksum: summary.sha256.into(),
            archive_size: summary.archive_size,
            dependencies: dependencies(&summary.dependencies),
            approval_status: summary.status.approval.as_str(),
            quarantined: summary.status.is_quarantined(),
        }
    }
}

/// The versions of a package.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Versions")]
pub(crate) struct VersionsAnswer {
    /// The package's full name.
    pub(crate) package: String,
    /// Newest published first, including yanked ones: at most 1,000, and fewer if their dependencies
    /// have more than 256 KiB.
    pub(crate) versions: Vec<VersionRow>,
    /// How many versions there are in total.
    pub(crate) total: u64,
    /// The value of `before` for the next part of the list; `null` if this is the last part.
    pub(crate) next_before: Option<String>,
}

/// One artifact of a package.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Artifact")]
struct ArtifactRow {
    name: String,
    description: String,
    /// Its path in the archive.
    path: String,
}

impl From<Artifact> for ArtifactRow {
    fn from(artifact: Artifact) -> Self {
        Self { name: artifact.name, description: artifact.description, path: artifact.path }
    }
}

/// The artifacts of a package, by type.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Artifacts")]
struct ArtifactRows {
    agents: Vec<ArtifactRow>,
    skills: Vec<ArtifactRow>,
    prompts: Vec<ArtifactRow>,
    instructions: Vec<ArtifactRow>,
}

impl From<Artifacts> for ArtifactRows {
    fn from(artifacts: Artifacts) -> Self {
        let rows = |list: Vec<Artifact>| list.into_iter().map(ArtifactRow::from).collect();
        Self {
            agents: rows(artifacts.agents),
            skills: rows(artifacts.skills),
            prompts: rows(artifacts.prompts),
            instructions: rows(artifacts.instructions),
        }
    }
}

/// Everything about one version except its files.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Version")]
pub(crate) struct VersionAnswer {
    /// The package's full name.
    name: String,
    /// The package's scope; empty where it has none.
    scope: String,
    version: String,
    description: String,
    author: Option<String>,
    license: Option<String>,
    repository: Option<String>,
    homepage: Option<String>,
    keywords: Vec<String>,
    published_at: Time,
    /// The username of the publisher.
    published_by: String,
    yanked: bool,
    yanked_reason: Option<String>,
    #[serde(flatten)]
    texts: TextFields,
    checksum: Checksum,
    /// Always `null`: signatures are not available on this registry yet.
    signature: (),
    /// Always `null`: attestations are not available on this registry yet.
    attestation: (),
    dependencies: Dependencies,
    artifacts: ArtifactRows,
    /// A path on this registry.
    download_url: String,
    /// In bytes.
    archive_size: u64,
    /// `approved` if no approval is required, else `pending` until an approver decides, or `rejected`.
    approval_status: &'static str,
    /// The quarantine that it is in, for callers who may know of it; else `null`.
    quarantine: Option<QuarantineAnswer>,
    /// The dist-tags that name this version.
    dist_tags: Vec<String>,
    /// The last result of each eval of the version, by name.
    eval_results: Vec<EvalRow>,
    /// May be up to a minute old.
    downloads: u64,
}

impl VersionAnswer {
    pub(crate) fn new(detail: VersionDetail, download_url: String) -> Self {
        let VersionDetail { package, summary, manifest, .. } = detail;
        Self {
            name: package.to_string(),
            scope: package.scope_or_empty().to_owned(),
            version: summary.version.to_string(),
            description: manifest.description,
            author: manifest.author,
            license: manifest.license,
            repository: manifest.repository,
            homepage: manifest.homepage,
            keywords: manifest.keywords,
            published_at: summary.published_at.into(),
            published_by: detail.published_by.clone(),
            yanked: summary.yanked,
            yanked_reason: detail.yanked_reason,
            texts: summary.texts.into(),
            checksum: summary.sha256.into(),
            signature: (),
            attestation: (),
            dependencies: dependencies(&summary.dependencies),
            artifacts: manifest.artifacts.into(),
            download_url,
            archive_size: summary.archive_size,
            approval_status: summary.status.approval.as_str(),
            quarantine: detail.quarantine.map(QuarantineAnswer::from),
            dist_tags: detail.dist_tags.iter().map(ToString::to_string).collect(),
            eval_results: detail.eval_results.into_iter().map(EvalRow::from).collect(),
            downloads: detail.downloads,
        }
    }
}

/// The quarantine that a version is in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quarantine")]
pub(crate) struct QuarantineAnswer {
    /// `malware`, `secret`, `abuse`, `legal` or `other`.
    category: &'static str,
    reason: String,
    at: Time,
    /// The username of the moderator; `null` if the account is gone.
    by: Option<String>,
}

impl From<Quarantine> for QuarantineAnswer {
    fn from(quarantine: Quarantine) -> Self {
        Self {
            category: quarantine.category.as_str(),
            reason: quarantine.reason,
            at: quarantine.at.into(),
            by: quarantine.by.map(|by| by.to_string()),
        }
    }
}
