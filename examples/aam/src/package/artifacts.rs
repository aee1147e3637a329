//! What an artifact must hold to be of use where it is installed.

use std::{fs, path::Path};

use aam_registry_core::types::{Artifact, ArtifactType};

use crate::{deploy, failure::Detail};

/// Looks at the artifact named by the manifest's `field`; adds what makes it
/// useless to `faults`, what makes it worse to `warnings`.
pub(super) fn look_at(
    folder: &Path,
    kind: ArtifactType,
    artifact: &Artifact,
    field: &str,
    faults: &mut Vec<Detail>,
    warnings: &mut Vec<Detail>,
) {
    let path = folder.join(&artifact.path);
    if !path.exists() {
        faults.push(Detail::new(format!("{field}.path"), format!("`{}` does not exist", artifact.path)));
        return;
    }
    match kind {
        ArtifactType::Skill => skill(&path, artifact, faults, warnings),
        ArtifactType::Agent => {
            if let Err(failure) = deploy::read_agent(folder, artifact) {
                faults.push(Detail::new(&*artifact.path, &*failure.message));
            }
        }
        ArtifactType::Prompt | ArtifactType::Instruction => {
            if path.is_dir() {
                let error = format!("is a folder; {} {} is one Markdown file", article(kind), kind.as_str());
                faults.push(Detail::new(&*artifact.path, error));
            }
        }
    }
}

fn article(kind: ArtifactType) -> &'static str {
    if kind == ArtifactType::Instruction { "an" } else { "a" }
}

fn skill(path: &Path, artifact: &Artifact, faults: &mut Vec<Detail>, warnings: &mut Vec<Detail>) {
    let file = if path.is_dir() { path.join("SKILL.md") } else { path.to_owned() };
    let shown = format!("{}/SKILL.md", artifact.path);
    let Ok(bytes) = fs::read(&file) else {
        faults.push(Detail::new(shown, "is missing: a skill is a folder with SKILL.md"));
        return;
    };
    let text = String::from_utf8_lossy(&bytes);
    let (head, _) = deploy::front_matter(&text);
    for key in ["name", "description"] {
        let value = head.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        if value.is_empty() {
            warnings.push(Detail::new(&*shown, format!("its front matter has no `{key}`; tools need it")));
        } else if key == "name" && value != artifact.name {
            let error = format!("is called `{value}` there and `{}` in aam.yaml", artifact.name);
            warnings.push(Detail::new(&*shown, error));
        }
    }
}
