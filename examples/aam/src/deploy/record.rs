//! What was written where, so that exactly that can be taken back.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::{PackageName, Sha256Digest};
use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::text::Text;

/// Everything that installs wrote in one project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whole files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) files: BTreeMap<Text<Place>, FileRecord>,
    /// Files that hold sections of ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sections: BTreeMap<Text<Place>, SectionedFile>,
    /// Folders that were not there before.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) folders: BTreeSet<Text<Place>>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    /// Whose artifact it is.
    pub(super) package: Text<PackageName>,
    /// As it was written.
    pub(super) sha256: Text<Sha256Digest>,
}

/// A file with sections of ours in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SectionedFile {
    /// Whether it was not there before.
    pub(super) created: bool,
    /// By what the markers say.
    pub(super) sections: BTreeMap<String, SectionRecord>,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SectionRecord {
    /// Whose artifact it is.
    pub(super) package: Text<PackageName>,
    /// The digest of what is between the markers, as it was written.
    pub(super) sha256: Text<Sha256Digest>,
    /// What was put before it to set it off.
    pub(super) before: String,
}
