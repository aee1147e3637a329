//! What a version does on the machine it is installed on, for `aam info`.

use aam_registry_core::types::{Artifact, ArtifactType, PackageName};
use futures_util::{StreamExt, stream};

use crate::{
    api::{Client, VersionInfo},
    deploy,
};

/// How many artifacts are looked at: each is a request.
const MOST: usize = 24;
/// How many requests are made at a time.
const PARALLEL: usize = 4;

/// What the artifacts of a version do beyond giving a tool text to read, as its files say, one line each. What cannot
/// be looked at is said.
pub(super) async fn acts(client: &Client, name: &PackageName, version: &VersionInfo) -> Vec<String> {
    let kind_of = |plural: &str| ArtifactType::ALL.into_iter().find(|kind| kind.plural() == plural);
    let artifacts = version.artifacts.iter().filter_map(|(plural, rows)| Some((kind_of(plural)?, rows)));
    let files: Vec<_> = artifacts
        .flat_map(|(kind, rows)| rows.iter().map(move |row| (kind, row)))
        .filter_map(|(kind, row)| {
            let path = row.path.clone()?;
            let file = deploy::telling_file(kind, &path)?;
            let artifact = Artifact { name: row.name.clone(), path, description: String::new() };
            Some((kind, artifact, file))
        })
        .collect();
    if files.len() > MOST {
        return vec![format!("not looked at, for it has {} artifacts; `aam install` says it", files.len())];
    }
    let looked = files.into_iter().map(|(kind, artifact, file)| async move {
        let what = format!("the {} {}", kind.as_str(), artifact.name);
        match client.file(name, &version.version, &file).await {
            Ok(text) => deploy::acts(kind, &artifact, &text).iter().map(|act| format!("{what} {act}")).collect(),
            Err(failure) => vec![format!("{what} cannot be looked at: {failure}")],
        }
    });
    stream::iter(looked).buffered(PARALLEL).collect::<Vec<_>>().await.concat()
}
