//! An agent: a folder with `agent.yaml` and its system prompt.

use std::{
    fs,
    path::{Component, Path},
};

use aam_registry_core::types::Artifact;
use serde::Deserialize;

use super::document::Document;
use crate::{
    failure::{Failure, Result},
    yaml,
};

/// The part of `agent.yaml` that every platform understands.
#[derive(Debug, Deserialize)]
struct AgentFile {
    description: Option<String>,
    /// A file of the agent's folder, or the prompt itself.
    system_prompt: Option<String>,
}

/// Reads an agent; one that is a single Markdown file is its own system prompt.
pub(crate) fn read(package: &Path, artifact: &Artifact) -> Result<Document> {
    let folder = package.join(&artifact.path);
    if folder.is_file() {
        return Document::read(package, artifact);
    }
    let file: AgentFile = yaml::read(&folder.join("agent.yaml"))?
        .ok_or_else(|| Failure::invalid(format!("The agent {} has no agent.yaml", artifact.name)))?;
    let body = match &file.system_prompt {
        Some(text) if text.contains('\n') => text.clone(),
        Some(name) => system_prompt(&folder, name, artifact)?,
        None => system_prompt(&folder, "system-prompt.md", artifact)?,
    };
    let description = file.description.unwrap_or_else(|| artifact.description.clone());
    Ok(Document { name: artifact.name.clone(), description, globs: Vec::new(), source: Vec::new(), body })
}

fn system_prompt(folder: &Path, name: &str, artifact: &Artifact) -> Result<String> {
    let name = Path::new(name.trim_start_matches("./"));
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Failure::invalid(format!(
            "The system prompt of the agent {} lies outside its folder",
            artifact.name
        )));
    }
    let path = folder.join(name);
    let bytes = fs::read(&path).map_err(|error| Failure::io("read the system prompt", &path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
