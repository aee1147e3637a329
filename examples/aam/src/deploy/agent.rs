//! An agent: a folder with `agent.yaml` and its system prompt, or one Markdown file.

use std::path::{Component, Path};

use aam_registry_core::types::{Artifact, ArtifactType};
use serde_json::{Map, Value};

use super::{
    document::Document,
    front_matter::Head,
    source::{Authored, Source},
};
use crate::{
    failure::{Failure, Result},
    yaml,
};

/// Reads an agent of the package that is made in the folder `package`.
pub(crate) fn read(package: &Path, artifact: &Artifact) -> Result<Document> {
    Document::read(&Authored(package), ArtifactType::Agent, artifact)
}

/// Reads an agent that is a folder.
pub(super) fn read_folder(package: &dyn Source, artifact: &Artifact) -> Result<Document> {
    let Artifact { name, path, .. } = artifact;
    let source = package
        .read(&format!("{path}/agent.yaml"))?
        .ok_or_else(|| Failure::invalid(format!("The agent {name} has no agent.yaml")))?;
    let text = String::from_utf8_lossy(&source).into_owned();
    // A key that cannot be read could be one that restricts the agent.
    serde_saphyr::from_str::<Map<String, Value>>(&text).map_err(|error| {
        Failure::invalid(format!("The agent.yaml of the agent {name} is not valid: {}", yaml::why(&error)))
    })?;
    let head = Head::parse(text.strip_prefix('\u{feff}').unwrap_or(&text)).canonical();
    let body = match head.text("system_prompt") {
        Some(text) if text.contains('\n') => text.to_owned(),
        Some(file) => system_prompt(package, file, artifact)?,
        None => system_prompt(package, "system-prompt.md", artifact)?,
    };
    let description = head.text("description").unwrap_or(&artifact.description).trim().to_owned();
    let (name, path) = (name.clone(), path.clone());
    Ok(Document { name, path, description, arguments: Vec::new(), head, body, flaw: None })
}

fn system_prompt(package: &dyn Source, file: &str, artifact: &Artifact) -> Result<String> {
    let file = file.trim_start_matches("./");
    if !Path::new(file).components().all(|part| matches!(part, Component::Normal(_))) {
        let message = format!("The system prompt of the agent {} lies outside its folder", artifact.name);
        return Err(Failure::invalid(message));
    }
    let path = format!("{}/{file}", artifact.path);
    let bytes =
        package.read(&path)?.ok_or_else(|| Failure::invalid(format!("The agent {} has no {path}", artifact.name)))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
