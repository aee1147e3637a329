//! What a registry takes, as it says itself.

use std::time::Duration;

use aam_registry_core::{
    archive::ArchiveLimits,
    types::{Manifest, ManifestLimits},
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{answer, client::Client};
use crate::failure::Result;

/// How long the registry may take to tell its limits; a command goes on without them.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many of the largest manifests an answer may be as large as.
const MANIFESTS: usize = 32;
/// The most bytes that are held in memory of an answer, whatever the registry says it takes.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// What a registry takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// What an archive and its manifest may have.
    pub(crate) archive: ArchiveLimits,
    /// Whether the registry said so; else these are the limits of a registry that changed none.
    pub(crate) told: bool,
    /// The most bytes of a manifest.
    manifest: usize,
}

impl Limits {
    /// The limits of a registry that changed none, for where none can be asked.
    pub(crate) fn usual() -> Self {
        Self { archive: ArchiveLimits::default(), told: false, manifest: Manifest::MAX_SIZE }
    }

    /// The most bytes of an answer about packages.
    pub(super) fn max_answer(&self) -> usize {
        self.manifest.max(Manifest::MAX_SIZE).saturating_mul(MANIFESTS).min(MAX_ANSWER)
    }
}

/// The answer; an older registry may lack any of it.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of the answer")]
struct Answer {
    max_archive_size: Option<u64>,
    max_unpacked_size: Option<u64>,
    max_archive_entries: Option<u64>,
    max_manifest_size: Option<usize>,
    max_manifest_key: Option<usize>,
    max_manifest_depth: Option<usize>,
    max_dependencies: Option<usize>,
    max_artifacts: Option<usize>,
}

impl From<Answer> for Limits {
    fn from(answer: Answer) -> Self {
        let usual = ArchiveLimits::default();
        let manifest = ManifestLimits::default();
        let manifest = manifest
            .with_max_key(answer.max_manifest_key.unwrap_or(manifest.max_key()))
            .with_max_depth(answer.max_manifest_depth.unwrap_or(manifest.max_depth()))
            .with_max_dependencies(answer.max_dependencies.unwrap_or(manifest.max_dependencies()))
            .with_max_artifacts(answer.max_artifacts.unwrap_or(manifest.max_artifacts()));
        let archive = usual
            .with_max_archive_size(answer.max_archive_size.unwrap_or(usual.max_archive_size()))
            .with_max_unpacked_size(answer.max_unpacked_size.unwrap_or(usual.max_unpacked_size()))
            .with_max_entries(answer.max_archive_entries.unwrap_or(usual.max_entries()))
            .with_manifest(manifest);
        Self { archive, told: true, manifest: answer.max_manifest_size.unwrap_or(Manifest::MAX_SIZE) }
    }
}

impl Client {
    /// Everything that the registry says it takes.
    pub(crate) async fn told_limits(&self) -> Result<Map<String, Value>> {
        self.get(self.url("limits")).await
    }

    /// The registry's limits, asked for once; the usual ones where it has no
    /// such answer, as older registries have not, or gives none in time.
    pub(crate) async fn limits(&self) -> &Limits {
        self.limits.get_or_init(|| async { self.ask_for_limits().await.unwrap_or_else(Limits::usual) }).await
    }

    async fn ask_for_limits(&self) -> Option<Limits> {
        let request = self.request(Method::GET, self.url("limits")).timeout(PATIENCE);
        let response = request.send().await.ok()?;
        let answer: Answer = answer::json(self.registry(), response).await.ok()?;
        Some(answer.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_registry_does_not_tell_is_as_usual() {
        let answer: Answer = serde_json::from_str(r#"{"max_archive_size": 7, "max_artifacts": 9}"#).expect("json");
        let limits = Limits::from(answer);
        assert_eq!((limits.archive.max_archive_size(), limits.archive.manifest().max_artifacts()), (7, 9));
        assert_eq!(limits.archive.max_entries(), ArchiveLimits::default().max_entries());
        assert_eq!(limits.max_answer(), 64 * 1024 * 1024);
    }

    #[test]
    fn no_registry_makes_answers_of_any_size_be_held_in_memory() {
        let answer: Answer = serde_json::from_str(r#"{"max_manifest_size": 1000000000000}"#).expect("json");
        assert_eq!(Limits::from(answer).max_answer(), MAX_ANSWER);
    }
}
