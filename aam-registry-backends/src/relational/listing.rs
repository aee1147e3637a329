//! What search knows of a package: what the manifest of its `latest` says.

use aam_registry_core::types::{ArtifactType, Manifest, search_words};

/// The words of a manifest by where they stand.
#[derive(Debug)]
pub(crate) struct ListedWords {
    pub(crate) name: Vec<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) artifacts: Vec<String>,
    pub(crate) description: Vec<String>,
    pub(crate) author: Vec<String>,
}

impl ListedWords {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let artifacts = manifest.artifacts.iter();
        Self {
            name: search_words(manifest.name.as_str()),
            keywords: manifest.keywords.iter().flat_map(|keyword| search_words(keyword)).collect(),
            artifacts: artifacts.flat_map(|(_, artifact)| search_words(&artifact.name)).collect(),
            description: search_words(&manifest.description),
            author: search_words(manifest.author.as_deref().unwrap_or_default()),
        }
    }

    /// The words of each field, the weightiest field first.
    pub(crate) fn fields(&self) -> [&[String]; 5] {
        [&self.name, &self.keywords, &self.artifacts, &self.description, &self.author]
    }
}

/// The factor by which downloads raise a text rank: a thousand of them weigh
/// about as much as the word in another place.
pub(crate) fn popularity(downloads: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a logarithm does not tell such numbers apart")]
    let downloads = downloads as f64;
    1.0 + downloads.ln_1p() / 10.0
}

/// A bit for each type.
pub(crate) fn type_bits(types: &[ArtifactType]) -> u8 {
    ArtifactType::ALL.iter().zip(0..).filter(|(kind, _)| types.contains(kind)).fold(0, |bits, (_, at)| bits | 1 << at)
}

/// The types of [`type_bits`].
pub(crate) fn types_of_bits(bits: u8) -> Vec<ArtifactType> {
    ArtifactType::ALL.iter().zip(0..).filter(|(_, at)| bits & (1 << at) != 0).map(|(kind, _)| *kind).collect()
}
