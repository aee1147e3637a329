//! What searches look at: the manifest of the version that `latest` names.

use aam_registry_core::types::{ArtifactType, Manifest};

/// The names of a package's artifacts, joined to one text, since searches compare single words.
pub(crate) fn artifact_names(manifest: &Manifest) -> String {
    manifest.artifacts.iter().map(|(_, artifact)| artifact.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// A bit for each type.
pub(crate) fn type_bits(types: &[ArtifactType]) -> u8 {
    ArtifactType::ALL.iter().zip(0..).filter(|(kind, _)| types.contains(kind)).fold(0, |bits, (_, at)| bits | 1 << at)
}

/// The types of [`type_bits`].
pub(crate) fn types_of_bits(bits: u8) -> Vec<ArtifactType> {
    ArtifactType::ALL.iter().zip(0..).filter(|(_, at)| bits & (1 << at) != 0).map(|(kind, _)| *kind).collect()
}
