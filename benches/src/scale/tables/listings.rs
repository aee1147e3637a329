use aam_registry_core::types::{ArtifactType, Manifest};

use super::{Rows, Source, Table, versions::count};
use crate::scale::{dataset::Package, document, releases::latest, value::Value};

/// SQLite numbers the changes.
pub(super) const SQLITE: Table = Table {
    name: "listings",
    columns: &[
        "package_id",
        "name",
        "description",
        "author",
        "latest_version",
        "keywords",
        "artifacts",
        "artifact_types",
        "downloads",
        "updated_at",
        "change",
    ],
    rows: sqlite,
};

/// PostgreSQL records by itself which transaction changed a row.
pub(super) const POSTGRES: Table = Table {
    name: "listings",
    columns: &[
        "package_id",
        "name",
        "description",
        "author",
        "latest_version",
        "keywords",
        "artifacts",
        "artifact_types",
        "downloads",
        "updated_at",
    ],
    rows: postgres,
};

/// Packages that have a `latest`, with its manifest.
fn listed<'a>(source: &'a Source<'a>) -> impl Iterator<Item = (&'a Package, Manifest)> {
    source.dataset.packages.iter().filter_map(|package| {
        let release = &package.releases[latest(&package.releases)?];
        let document = document::manifest(source.dataset, package, release);
        let manifest = Manifest::from_document(document);
        Some((package, manifest.unwrap_or_else(|faults| unreachable!("no valid manifest was made up: {faults:?}"))))
    })
}

fn sqlite<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new((1..).zip(postgres(source)).map(|(change, mut row)| {
        row.push(Value::Int(change));
        row
    }))
}

fn postgres<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(listed(source).map(|(package, manifest)| {
        let artifacts: Vec<_> = manifest.artifacts.iter().map(|(_, artifact)| artifact.name.as_str()).collect();
        vec![
            package.id.into(),
            package.name.as_str().into(),
            manifest.description.into(),
            manifest.author.into(),
            manifest.version.to_string().into(),
            serde_json::json!(manifest.keywords).to_string().into(),
            artifacts.join(" ").into(),
            type_bits(&manifest.artifacts.types()).into(),
            count(package.downloads()).into(),
            package.updated_at().into(),
        ]
    }))
}

/// One bit for each type, as the databases store them.
fn type_bits(types: &[ArtifactType]) -> i64 {
    ArtifactType::ALL.iter().zip(0..).filter(|(kind, _)| types.contains(kind)).fold(0, |bits, (_, at)| bits | 1 << at)
}
