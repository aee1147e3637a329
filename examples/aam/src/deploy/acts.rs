//! What an artifact does on a person's machine, told from its own file alone.

use std::path::Path;

use aam_registry_core::types::{Artifact, ArtifactType};

use super::{document::Document, front_matter, powers, prompt_forms, prompt_syntax};

/// The file of an artifact that says what it does, by the artifact's path; `None` for what does nothing.
pub(crate) fn telling_file(kind: ArtifactType, path: &str) -> Option<String> {
    match kind {
        ArtifactType::Instruction => None,
        ArtifactType::Skill if !is_markdown(path) => Some(format!("{path}/SKILL.md")),
        ArtifactType::Agent if !is_markdown(path) => Some(format!("{path}/agent.yaml")),
        _ => Some(path.to_owned()),
    }
}

fn is_markdown(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"))
}

/// What an artifact does beyond giving a tool text to read, each to stand after its name; `text` is that of its
/// [`telling_file`]. Says what it does in the tool that gives it most.
pub(crate) fn acts(kind: ArtifactType, artifact: &Artifact, text: &str) -> Vec<String> {
    // An agent's own file is what others write as their front matter.
    let in_yaml = format!("---\n{text}\n---\n");
    let text = if kind == ArtifactType::Agent && !is_markdown(&artifact.path) { &*in_yaml } else { text };
    let (head, body) = front_matter::split_head(text);
    let head = if kind == ArtifactType::Agent { head.canonical() } else { head };
    let mut acts = powers::of(&head, &[]);
    let commands = match kind {
        ArtifactType::Skill => prompt_syntax::of_skill(body).1,
        ArtifactType::Prompt => prompt_forms::claude(&Document::of_file(kind, artifact, text.as_bytes())).commands,
        _ => Vec::new(),
    };
    acts.extend(powers::commands(&commands));
    acts
}
