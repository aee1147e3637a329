use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, rules};
use crate::{
    decide::Yanked,
    registry::Unyanked,
    types::{DistTag, PackageName, Username, Version},
};

/// The result of a yank.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Yanked")]
pub(crate) struct YankedAnswer {
    /// The package's full name.
    name: String,
    version: String,
    /// Always `true`.
    yanked: bool,
    yanked_at: Time,
    yanked_reason: Option<String>,
    /// The dist-tags that now name another version.
    moved_tags: BTreeMap<String, String>,
    /// The dist-tags that were removed.
    removed_tags: Vec<String>,
}

impl YankedAnswer {
    pub(crate) fn new(name: &PackageName, yanked: Yanked) -> Self {
        Self {
            name: name.to_string(),
            version: yanked.version.to_string(),
            yanked: true,
            yanked_at: yanked.yanked_at.into(),
            yanked_reason: yanked.reason,
            moved_tags: tags(&yanked.moved_tags),
            removed_tags: yanked.removed_tags.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The result of taking a yank back.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Unyanked")]
pub(crate) struct UnyankedAnswer {
    /// The package's full name.
    name: String,
    version: String,
    /// Always `false`.
    yanked: bool,
    /// The dist-tags that now name another version.
    moved_tags: BTreeMap<String, String>,
}

impl UnyankedAnswer {
    pub(crate) fn new(name: &PackageName, unyanked: &Unyanked) -> Self {
        Self {
            name: name.to_string(),
            version: unyanked.version.to_string(),
            yanked: false,
            moved_tags: tags(&unyanked.moved_tags),
        }
    }
}

/// A text for a version.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "VersionTextRequest")]
pub(crate) struct TextRequest {
    /// The text that clients show.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"\S"))]
    pub(crate) message: String,
}

/// A version with its warning.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Deprecated")]
pub(crate) struct DeprecatedAnswer {
    /// The package's full name.
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) deprecated: String,
}

/// The dist-tags of a package.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tags")]
pub(crate) struct TagsAnswer {
    /// The package's full name.
    package: String,
    /// The version that each dist-tag names.
    tags: BTreeMap<String, String>,
}

impl TagsAnswer {
    pub(crate) fn new(package: &PackageName, by_tag: &BTreeMap<DistTag, Version>) -> Self {
        Self { package: package.to_string(), tags: tags(by_tag) }
    }
}

/// The version for a dist-tag.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TagRequest {
    /// A published version that is not yanked.
    #[schemars(length(max = rules::VERSION_LENGTH), regex(pattern = rules::VERSION))]
    pub(crate) version: String,
}

/// A dist-tag and the version it names.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tag")]
pub(crate) struct TagAnswer {
    /// The package's full name.
    pub(crate) package: String,
    pub(crate) tag: String,
    pub(crate) version: String,
}

/// Who may see a package.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct VisibilityRequest {
    /// `public` or `private`.
    #[schemars(extend("enum" = ["public", "private"]))]
    pub(crate) visibility: String,
}

/// Who may see a package.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Visibility")]
pub(crate) struct VisibilityAnswer {
    /// The package's full name.
    pub(crate) package: String,
    #[schemars(extend("enum" = ["public", "private"]))]
    pub(crate) visibility: &'static str,
}

/// The owners of a package.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Owners")]
pub(crate) struct OwnersAnswer {
    /// The package's full name.
    package: String,
    /// Usernames.
    owners: Vec<String>,
}

impl OwnersAnswer {
    pub(crate) fn new(package: &PackageName, owners: &[Username]) -> Self {
        Self { package: package.to_string(), owners: owners.iter().map(ToString::to_string).collect() }
    }
}

fn tags(tags: &BTreeMap<DistTag, Version>) -> BTreeMap<String, String> {
    tags.iter().map(|(tag, version)| (tag.to_string(), version.to_string())).collect()
}
