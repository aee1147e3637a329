//! The JSON of entries in the shared cache, which only this module reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::types::{
    AccountRole, AccountRoles, ArchiveLocation, DistTag, EvalResult, EvalStatus, LocatedVersion, Manifest,
    ModerationCategory, Package, PublishedVersion, Quarantine, User, Version, VersionDetail, VersionStatus,
    VersionSummary, VersionText, VersionTexts, Visibility,
};

/// A value that can be stored in the shared cache and read back.
pub(super) trait Shared: Sized {
    /// The form in which it is stored.
    type Stored: Serialize + DeserializeOwned;

    fn store(&self) -> Self::Stored;

    /// Converts back; `None` if no release writes such a value.
    fn restore(stored: Self::Stored) -> Option<Self>;
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredSummary {
    version: String,
    published_at: i64,
    yanked: bool,
    /// By the key of each.
    texts: BTreeMap<String, String>,
    sha256: String,
    archive_size: u64,
    dependencies: BTreeMap<String, String>,
    status: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredQuarantine {
    category: String,
    reason: String,
    at: i64,
    by: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredLocated {
    package: String,
    summary: StoredSummary,
    archive: String,
    visibility: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredDetail {
    package: String,
    summary: StoredSummary,
    manifest: Value,
    published_by: String,
    yanked_reason: Option<String>,
    archive: String,
    dist_tags: Vec<String>,
    downloads: u64,
    visibility: String,
    quarantine: Option<StoredQuarantine>,
    #[serde(default)]
    eval_results: Vec<StoredEval>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredEval {
    name: String,
    status: String,
    metrics: Map<String, Value>,
    run_at: i64,
    runner: Option<String>,
    environment: Map<String, Value>,
    recorded_at: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredPackage {
    name: String,
    manifest: Value,
    created_at: i64,
    updated_at: i64,
    owners: Vec<String>,
    downloads: u64,
    dist_tags: BTreeMap<String, String>,
    versions: Vec<StoredSummary>,
    version_count: u64,
    visibility: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredUser {
    id: String,
    username: String,
    email: String,
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    otp_enabled: bool,
    is_admin: bool,
    /// The other roles.
    #[serde(default)]
    roles: Vec<String>,
    created_at: i64,
}

impl Shared for VersionSummary {
    type Stored = StoredSummary;

    fn store(&self) -> StoredSummary {
        StoredSummary {
            version: self.version.to_string(),
            published_at: self.published_at.as_microsecond(),
            yanked: self.yanked,
            texts: self.texts.iter().map(|(text, value)| (text.key().to_owned(), value.to_owned())).collect(),
            sha256: self.sha256.to_string(),
            archive_size: self.archive_size,
            dependencies: self
                .dependencies
                .iter()
                .map(|(name, constraint)| (name.to_string(), constraint.as_str().to_owned()))
                .collect(),
            status: self.status.as_str().to_owned(),
        }
    }

    fn restore(stored: StoredSummary) -> Option<Self> {
        let dependencies = stored.dependencies.into_iter();
        Some(Self {
            version: stored.version.parse().ok()?,
            published_at: instant(stored.published_at)?,
            yanked: stored.yanked,
            texts: texts(stored.texts)?,
            sha256: stored.sha256.parse().ok()?,
            archive_size: stored.archive_size,
            dependencies: dependencies
                .map(|(name, constraint)| Some((name.parse().ok()?, constraint.parse().ok()?)))
                .collect::<Option<_>>()?,
            status: VersionStatus::parse(&stored.status)?,
        })
    }
}

impl Shared for Vec<VersionSummary> {
    type Stored = Vec<StoredSummary>;

    fn store(&self) -> Vec<StoredSummary> {
        self.iter().map(Shared::store).collect()
    }

    fn restore(stored: Vec<StoredSummary>) -> Option<Self> {
        stored.into_iter().map(Shared::restore).collect()
    }
}

impl Shared for Vec<PublishedVersion> {
    /// Each version as published, with whether it may be chosen and where it stands.
    type Stored = Vec<(String, bool, String)>;

    fn store(&self) -> Self::Stored {
        self.iter().map(|one| (one.version.to_string(), one.visible, one.status.as_str().to_owned())).collect()
    }

    fn restore(stored: Self::Stored) -> Option<Self> {
        let restore = |(version, visible, status): (String, bool, String)| {
            let (version, status) = (version.parse().ok()?, VersionStatus::parse(&status)?);
            Some(PublishedVersion { version, visible, status })
        };
        stored.into_iter().map(restore).collect()
    }
}

impl Shared for BTreeMap<DistTag, Version> {
    type Stored = BTreeMap<String, String>;

    fn store(&self) -> Self::Stored {
        self.iter().map(|(tag, version)| (tag.to_string(), version.to_string())).collect()
    }

    fn restore(stored: Self::Stored) -> Option<Self> {
        stored.iter().map(|(tag, version)| Some((tag.parse().ok()?, version.parse().ok()?))).collect()
    }
}

impl Shared for LocatedVersion {
    type Stored = StoredLocated;

    fn store(&self) -> StoredLocated {
        StoredLocated {
            package: self.location.package.to_string(),
            summary: self.summary.store(),
            archive: self.location.archive.to_string(),
            visibility: self.location.visibility.as_str().to_owned(),
        }
    }

    fn restore(stored: StoredLocated) -> Option<Self> {
        let summary = VersionSummary::restore(stored.summary)?;
        let location = ArchiveLocation {
            package: stored.package.parse().ok()?,
            version: summary.version.clone(),
            archive: stored.archive.parse().ok()?,
            sha256: summary.sha256,
            size: summary.archive_size,
            visibility: Visibility::parse(&stored.visibility)?,
            status: summary.status,
        };
        Some(Self { summary, location })
    }
}

impl Shared for VersionDetail {
    type Stored = StoredDetail;

    fn store(&self) -> StoredDetail {
        StoredDetail {
            package: self.package.to_string(),
            summary: self.summary.store(),
            manifest: self.manifest.document.clone(),
            published_by: self.published_by.clone(),
            yanked_reason: self.yanked_reason.clone(),
            archive: self.archive.to_string(),
            dist_tags: self.dist_tags.iter().map(ToString::to_string).collect(),
            downloads: self.downloads,
            visibility: self.visibility.as_str().to_owned(),
            quarantine: self.quarantine.as_ref().map(|quarantine| StoredQuarantine {
                category: quarantine.category.as_str().to_owned(),
                reason: quarantine.reason.clone(),
                at: quarantine.at.as_microsecond(),
                by: quarantine.by.as_ref().map(ToString::to_string),
            }),
            eval_results: self.eval_results.iter().map(Shared::store).collect(),
        }
    }

    fn restore(stored: StoredDetail) -> Option<Self> {
        Some(Self {
            package: stored.package.parse().ok()?,
            summary: VersionSummary::restore(stored.summary)?,
            manifest: Manifest::from_document(stored.manifest).ok()?,
            published_by: stored.published_by,
            yanked_reason: stored.yanked_reason,
            archive: stored.archive.parse().ok()?,
            dist_tags: stored.dist_tags.iter().map(|tag| tag.parse().ok()).collect::<Option<_>>()?,
            downloads: stored.downloads,
            visibility: Visibility::parse(&stored.visibility)?,
            quarantine: match stored.quarantine {
                Some(stored) => Some(quarantine(stored)?),
                None => None,
            },
            eval_results: stored.eval_results.into_iter().map(Shared::restore).collect::<Option<_>>()?,
        })
    }
}

impl Shared for EvalResult {
    type Stored = StoredEval;

    fn store(&self) -> StoredEval {
        StoredEval {
            name: self.name.to_string(),
            status: self.status.as_str().to_owned(),
            metrics: self.metrics.clone(),
            run_at: self.run_at.as_microsecond(),
            runner: self.runner.clone(),
            environment: self.environment.clone(),
            recorded_at: self.recorded_at.as_microsecond(),
        }
    }

    fn restore(stored: StoredEval) -> Option<Self> {
        Some(Self {
            name: stored.name.parse().ok()?,
            status: EvalStatus::parse(&stored.status)?,
            metrics: stored.metrics,
            run_at: instant(stored.run_at)?,
            runner: stored.runner,
            environment: stored.environment,
            recorded_at: instant(stored.recorded_at)?,
        })
    }
}

impl Shared for Package {
    type Stored = StoredPackage;

    fn store(&self) -> StoredPackage {
        StoredPackage {
            name: self.name.to_string(),
            manifest: self.manifest.document.clone(),
            created_at: self.created_at.as_microsecond(),
            updated_at: self.updated_at.as_microsecond(),
            owners: self.owners.iter().map(ToString::to_string).collect(),
            downloads: self.downloads,
            dist_tags: self.dist_tags.iter().map(|(tag, version)| (tag.to_string(), version.to_string())).collect(),
            versions: self.versions.store(),
            version_count: self.version_count,
            visibility: self.visibility.as_str().to_owned(),
        }
    }

    fn restore(stored: StoredPackage) -> Option<Self> {
        let tags = stored.dist_tags.iter();
        Some(Self {
            name: stored.name.parse().ok()?,
            manifest: Manifest::from_document(stored.manifest).ok()?,
            created_at: instant(stored.created_at)?,
            updated_at: instant(stored.updated_at)?,
            owners: stored.owners.iter().map(|owner| owner.parse().ok()).collect::<Option<_>>()?,
            visibility: Visibility::parse(&stored.visibility)?,
            downloads: stored.downloads,
            dist_tags: tags
                .map(|(tag, version)| Some((tag.parse().ok()?, version.parse().ok()?)))
                .collect::<Option<_>>()?,
            versions: Vec::restore(stored.versions)?,
            version_count: stored.version_count,
        })
    }
}

impl Shared for User {
    type Stored = StoredUser;

    fn store(&self) -> StoredUser {
        StoredUser {
            id: self.id.to_string(),
            username: self.username.to_string(),
            email: self.email.clone(),
            email_verified: self.email_verified,
            otp_enabled: self.otp_enabled,
            is_admin: self.is_admin(),
            roles: self.roles.without(AccountRoles::ADMIN).names().into_iter().map(str::to_owned).collect(),
            created_at: self.created_at.as_microsecond(),
        }
    }

    fn restore(stored: StoredUser) -> Option<Self> {
        let others = stored.roles.iter().map(|role| AccountRole::parse(role)).collect::<Option<AccountRoles>>()?;
        let roles = if stored.is_admin { others.with(AccountRole::Admin) } else { others };
        Some(Self {
            id: stored.id.parse().ok()?,
            username: stored.username.parse().ok()?,
            email: stored.email,
            email_verified: stored.email_verified,
            otp_enabled: stored.otp_enabled,
            roles,
            // A disabled user is never stored in the shared cache.
            disabled: false,
            created_at: instant(stored.created_at)?,
        })
    }
}

fn quarantine(stored: StoredQuarantine) -> Option<Quarantine> {
    Some(Quarantine {
        category: ModerationCategory::parse(&stored.category)?,
        reason: stored.reason,
        at: instant(stored.at)?,
        by: match stored.by {
            Some(by) => Some(by.parse().ok()?),
            None => None,
        },
    })
}

/// `None` if there is a text that this release does not know.
fn texts(mut stored: BTreeMap<String, String>) -> Option<VersionTexts> {
    let mut texts = VersionTexts::default();
    for text in VersionText::ALL {
        texts.set(text, stored.remove(text.key()));
    }
    stored.is_empty().then_some(texts)
}

fn instant(microseconds: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds).ok()
}
