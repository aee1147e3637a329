//! What was written where, so that exactly that can be taken back.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::{PackageName, Sha256Digest};
use serde::{Deserialize, Serialize};

use super::place::{Place, PlaceKey};
use crate::text::Text;

/// Everything that installs wrote for one project, or for the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whole files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) files: BTreeMap<Text<PlaceKey>, FileRecord>,
    /// Files that hold sections of ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sections: BTreeMap<Text<PlaceKey>, SectionedFile>,
    /// Folders that were not there before.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) folders: BTreeSet<Text<PlaceKey>>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    /// Whose artifact it is.
    pub(super) package: Text<PackageName>,
    /// As it was written.
    pub(super) sha256: Text<Sha256Digest>,
    /// As it is about to be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Text<Sha256Digest>>,
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
    /// As it is about to be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Text<Sha256Digest>>,
    /// What was put before it to set it off.
    pub(super) before: String,
    /// Its first line, to find it by where a person took the markers away.
    #[serde(default)]
    pub(super) first: String,
}

impl FileRecord {
    pub(super) fn new(package: &PackageName, sha256: Sha256Digest) -> Self {
        Self { package: Text(package.clone()), sha256: Text(sha256), next: None }
    }

    /// Whether something else is to stand there than was written last.
    pub(super) fn changes_to(&self, planned: Sha256Digest) -> bool {
        *self.sha256 != planned || self.next.is_some()
    }

    /// Whether contents with the digest `found` are as we wrote them, or as a machine that lost power left them: an
    /// empty file holds no work of a person.
    pub(super) fn wrote(&self, found: Sha256Digest) -> bool {
        *self.sha256 == found || self.next.is_some_and(|next| *next == found) || found == Sha256Digest::of(b"")
    }
}

impl SectionRecord {
    /// Whether something else is to stand there than was written last.
    pub(super) fn changes_to(&self, body: &[u8]) -> bool {
        *self.sha256 != Sha256Digest::of(body) || self.next.is_some()
    }

    /// Whether `body` is as we wrote it.
    pub(super) fn wrote(&self, body: &[u8]) -> bool {
        let found = Sha256Digest::of(body);
        *self.sha256 == found || self.next.is_some_and(|next| *next == found)
    }
}

impl Record {
    /// What was written at `place`.
    pub(super) fn file(&self, place: &Place) -> Option<&FileRecord> {
        self.files.get(&Text(PlaceKey(place.clone())))
    }

    /// The section `id` of the file at `place`.
    pub(super) fn section(&self, place: &Place, id: &str) -> Option<&SectionRecord> {
        self.sections.get(&Text(PlaceKey(place.clone()))).and_then(|file| file.sections.get(id))
    }

    /// Whether something of `package` was written at `place` or below it; of a file of sections, the section `id`.
    pub(super) fn holds(&self, package: &PackageName, place: &Place, id: &str) -> bool {
        let is_here = |file: &Place| {
            file.root() == place.root()
                && file.path().strip_prefix(place.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.section(place, id).is_some_and(|section| *section.package == *package)
            || self.files.iter().any(|(key, file)| *file.package == *package && is_here(&key.0.0))
    }

    /// Notes that the file at `place` is ours.
    pub(super) fn put_file(&mut self, place: &Place, file: FileRecord) {
        self.files.insert(Text(PlaceKey(place.clone())), file);
    }

    /// Every file and section on record, with where it is when the project is at `project`.
    pub(crate) fn uses(&self, project: &str) -> impl Iterator<Item = Use> {
        let files = self.files.keys().map(move |place| Use { path: place.0.0.absolute(project), section: None });
        let sections = self.sections.iter().flat_map(move |(place, file)| {
            let path = place.0.0.absolute(project);
            file.sections.keys().map(move |id| Use { path: path.clone(), section: Some(id.clone()) })
        });
        files.chain(sections)
    }

    /// Whether nothing is on record.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.sections.is_empty() && self.folders.is_empty()
    }
}

/// A file or a section that somebody's install needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(super) path: String,
    pub(super) section: Option<String>,
}

/// What the installs of other projects need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Others {
    uses: BTreeSet<Use>,
    project: String,
}

impl Others {
    /// What others need, seen from the project at `project`.
    pub(crate) fn new(project: &str, uses: impl IntoIterator<Item = Use>) -> Self {
        Self { uses: uses.into_iter().collect(), project: project.to_owned() }
    }

    pub(super) fn need(&self, place: &Place, section: Option<&str>) -> bool {
        let wanted = Use { path: place.absolute(&self.project), section: section.map(str::to_owned) };
        self.uses.contains(&wanted)
    }
}
