use aam_registry_core::types::{ArchiveKey, ArtifactType, Sha256Digest, UploadId};
use serde_json::{Map, Value, json};
use uuid::Builder;

use super::{
    dataset::{Dataset, Package},
    random::Random,
    releases::Release,
};

/// The manifest of a version as it is stored.
pub(super) fn manifest(dataset: &Dataset, package: &Package, release: &Release) -> Value {
    let mut document = json!({
        "name": package.name.as_str(),
        "version": release.version.to_string(),
        "description": package.description,
        "license": "Apache-2.0",
        "keywords": package.keywords,
        "artifacts": artifacts(package),
        "dependencies": dependencies(dataset, package),
    });
    if let Some(author) = &package.author {
        document["author"] = json!(author);
        document["repository"] = json!(format!("https://example.com/{author}/{}", package.name.bare()));
    }
    document
}

fn artifacts(package: &Package) -> Map<String, Value> {
    let mut by_type = Map::new();
    for kind in ArtifactType::ALL {
        let of_kind = package.artifacts.iter().filter(|(other, _)| *other == kind);
        let list: Vec<_> = of_kind
            .map(|(_, name)| json!({"name": name, "path": path(kind, name), "description": package.description}))
            .collect();
        if !list.is_empty() {
            by_type.insert(kind.plural().to_owned(), Value::Array(list));
        }
    }
    by_type
}

fn path(kind: ArtifactType, name: &str) -> String {
    match kind {
        ArtifactType::Agent | ArtifactType::Skill => format!("{}/{name}", kind.plural()),
        ArtifactType::Prompt | ArtifactType::Instruction => format!("{}/{name}.md", kind.plural()),
    }
}

/// The dependencies of a package: full names and constraints.
pub(super) fn dependencies(dataset: &Dataset, package: &Package) -> Map<String, Value> {
    let wanted = package.dependencies.iter().filter_map(|index| {
        let other = dataset.packages.get(*index)?;
        let major = other.releases.first()?.version.to_string();
        let major = major.split('.').next().unwrap_or("0").to_owned();
        Some((other.name.to_string(), json!(format!("^{major}"))))
    });
    wanted.collect()
}

/// The files of an archive: path, size, hex digest, whether it is executable.
pub(super) fn files(package: &Package, release: &Release) -> Value {
    let mut random = Random::of("files", release.id.unsigned_abs());
    let mut file =
        |path: String| json!([path, random.below(20_000), Sha256Digest::from(random.bytes::<32>()).to_string(), false]);
    let mut files = vec![file("aam.yaml".to_owned()), file("README.md".to_owned())];
    for (kind, name) in &package.artifacts {
        let path = path(*kind, name);
        files.push(file(match kind {
            ArtifactType::Agent => format!("{path}/agent.yaml"),
            ArtifactType::Skill => format!("{path}/SKILL.md"),
            _ => path,
        }));
    }
    files.sort_by(|a, b| a[0].as_str().cmp(&b[0].as_str()));
    Value::Array(files)
}

pub(super) fn readme(package: &Package) -> String {
    format!(
        "# {}\n\n{}.\n\n## Use\n\n```sh\naam install {}\n```\n",
        package.name.bare(),
        package.description,
        package.name
    )
}

/// The key of an archive, as if its upload began when the version was published.
pub(super) fn archive_key(release: &Release) -> ArchiveKey {
    let id: UploadId = uuid("archive", release).to_string().parse().expect("a UUID is an id");
    id.into()
}

/// A UUID for something that belongs to a version.
pub(super) fn uuid(kind: &str, release: &Release) -> uuid::Uuid {
    let milliseconds = release.published_at.unsigned_abs() / 1000;
    let random = Random::of(kind, release.id.unsigned_abs()).bytes();
    Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
}
