use std::collections::BTreeSet;

use aam_registry_core::types::{ArtifactType, Manifest, search_words};

use super::{Rows, Source, Table, versions::count};
use crate::scale::{dataset::Package, document, releases::latest};

pub(super) const LISTINGS: Table = Table {
    name: "listings",
    columns: &[
        "package_id",
        "name",
        "bare_name",
        "scope",
        "description",
        "author",
        "latest_version",
        "keywords",
        "artifact_types",
        "downloads",
        "popularity",
        "updated_at",
    ],
    rows: listings,
};

pub(super) const LISTING_KEYWORDS: Table =
    Table { name: "listing_keywords", columns: &["keyword", "package_id"], rows: listing_keywords };

pub(super) const WORDS: Table = Table { name: "words", columns: &["word"], rows: words };

/// Packages that have a `latest`, with what its manifest says.
pub(super) fn listed<'a>(source: &'a Source<'a>) -> impl Iterator<Item = (&'a Package, Manifest)> {
    source.dataset.packages.iter().filter_map(|package| {
        let release = &package.releases[latest(&package.releases)?];
        let document = document::manifest(source.dataset, package, release);
        let manifest = Manifest::from_document(document);
        Some((package, manifest.unwrap_or_else(|faults| unreachable!("no valid manifest was made up: {faults:?}"))))
    })
}

fn listings<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(listed(source).map(|(package, manifest)| {
        vec![
            package.id.into(),
            package.name.as_str().into(),
            package.name.bare().into(),
            package.name.scope_or_empty().into(),
            manifest.description.into(),
            manifest.author.into(),
            manifest.version.to_string().into(),
            serde_json::json!(manifest.keywords).to_string().into(),
            type_bits(&manifest.artifacts.types()).into(),
            count(package.downloads()).into(),
            popularity(package.downloads()).into(),
            package.updated_at().into(),
        ]
    }))
}

fn listing_keywords<'a>(source: &'a Source<'a>) -> Rows<'a> {
    let of_package = |(package, manifest): (&Package, Manifest)| {
        let (id, keywords) = (package.id, BTreeSet::from_iter(manifest.keywords));
        keywords.into_iter().map(move |keyword| vec![keyword.into(), id.into()])
    };
    Box::new(listed(source).flat_map(of_package))
}

fn words<'a>(source: &'a Source<'a>) -> Rows<'a> {
    let all: BTreeSet<_> =
        listed(source).flat_map(|(package, manifest)| searched(package, &manifest).into_iter().flatten()).collect();
    Box::new(all.into_iter().map(|word| vec![word.into()]))
}

/// The words of name, keywords, artifacts, description and author.
pub(super) fn searched(package: &Package, manifest: &Manifest) -> [Vec<String>; 5] {
    let artifacts = manifest.artifacts.iter().flat_map(|(_, artifact)| search_words(&artifact.name));
    [
        search_words(package.name.as_str()),
        manifest.keywords.iter().flat_map(|keyword| search_words(keyword)).collect(),
        artifacts.collect(),
        search_words(&manifest.description),
        search_words(manifest.author.as_deref().unwrap_or_default()),
    ]
}

/// A bit for each type, as the databases keep them.
pub(super) fn type_bits(types: &[ArtifactType]) -> i64 {
    ArtifactType::ALL.iter().zip(0..).filter(|(kind, _)| types.contains(kind)).fold(0, |bits, (_, at)| bits | 1 << at)
}

/// The factor by which downloads raise a text rank, as the databases keep it.
pub(super) fn popularity(downloads: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a logarithm does not tell such numbers apart")]
    let downloads = downloads as f64;
    1.0 + downloads.ln_1p() / 10.0
}
