//! What a version does on the machine it is installed on, for `aam info`.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::{Artifact, ArtifactType, PackageName};
use futures_util::{StreamExt, stream};

use crate::{
    api::{Client, VersionInfo},
    deploy,
    failure::{Failure, Result},
    install,
    project::LockedPackage,
    session::Session,
    text::Text,
};

/// How many artifacts are looked at one by one: each is a request, and registries allow about sixty of these a minute.
const MOST: usize = 24;
/// How many requests are made at a time.
const PARALLEL: usize = 4;

/// What the artifacts of a version do beyond giving a tool text to read, as their files on the registry say, one line
/// each. What was not looked at, or cannot be, is said.
pub(super) async fn acts(client: &Client, name: &PackageName, version: &VersionInfo) -> Vec<String> {
    let kind_of = |plural: &str| ArtifactType::ALL.into_iter().find(|kind| kind.plural() == plural);
    let artifacts = version.artifacts.iter().filter_map(|(plural, rows)| Some((kind_of(plural)?, rows)));
    let mut files: Vec<_> = artifacts
        .flat_map(|(kind, rows)| rows.iter().map(move |row| (kind, row)))
        .filter_map(|(kind, row)| {
            let path = row.path.clone()?;
            let file = deploy::telling_file(kind, &path)?;
            let artifact = Artifact { name: row.name.clone(), path, description: String::new() };
            Some((kind, artifact, file))
        })
        .collect();
    let all = files.len();
    let rest = files.split_off(all.min(MOST));
    let looked = files.into_iter().map(|(kind, artifact, file)| async move {
        match client.file(name, &version.version, &file).await {
            Ok(text) => acts_of(kind, &artifact, &text),
            Err(failure) => vec![format!("{} cannot be looked at: {failure}", called(kind, &artifact))],
        }
    });
    let mut acts = stream::iter(looked).buffered(PARALLEL).collect::<Vec<_>>().await.concat();
    if let Some((kind, first, _)) = rest.first() {
        acts.push(format!(
            "not looked at: {} of {all} artifacts, from {} on; look at all with `aam info {name}@{} --all`",
            rest.len(),
            called(*kind, first),
            *version.version,
        ));
    }
    acts
}

/// As [`acts`], of every artifact: the archive is downloaded for it.
pub(super) async fn acts_of_all(
    session: &Session,
    client: &Client,
    name: &PackageName,
    version: &VersionInfo,
) -> Result<Vec<String>> {
    let package = LockedPackage {
        version: version.version.clone(),
        registry: Text(client.registry().clone()),
        sha256: version.checksum.sha256,
        size: version.archive_size,
        requested: None,
        platforms: BTreeSet::new(),
        dependencies: BTreeMap::new(),
    };
    let workshop = tempfile::Builder::new().prefix("aam-").tempdir();
    let workshop = workshop.map_err(|error| Failure::io("make a folder in", &std::env::temp_dir(), &error))?;
    let package = install::look_into(session, client.clone(), name, &package, workshop.path()).await?;
    let mut artifacts: Vec<_> = package.manifest.artifacts.iter().collect();
    // The order in which the registry lists them.
    artifacts.sort_by_key(|(kind, _)| kind.plural());
    let mut acts = Vec::new();
    for (kind, artifact) in artifacts {
        let Some(file) = deploy::telling_file(kind, &artifact.path) else { continue };
        let text = deploy::read(&package, &file)?;
        acts.extend(acts_of(kind, artifact, &String::from_utf8_lossy(&text)));
    }
    Ok(acts)
}

/// What one artifact does, as `text` says, that of its telling file.
fn acts_of(kind: ArtifactType, artifact: &Artifact, text: &str) -> Vec<String> {
    let acts = deploy::acts(kind, artifact, text);
    acts.iter().map(|act| format!("{} {act}", called(kind, artifact))).collect()
}

fn called(kind: ArtifactType, artifact: &Artifact) -> String {
    format!("the {} {}", kind.as_str(), artifact.name)
}
