//! What keeps tools from reading an artifact, as the registry judges it, and what keeps `aam` from installing it.

use aam_registry_core::{
    archive::front_matter::{self, Finding},
    types::{Artifact, ArtifactType},
};

use crate::{deploy, failure::Detail};

pub(super) use front_matter::is_skill_name;

/// Looks at the file `shown` of an artifact; adds what keeps tools from loading
/// it to `faults`, the rest to `warnings`.
pub(super) fn check(
    kind: ArtifactType,
    artifact: &Artifact,
    shown: &str,
    bytes: &[u8],
    faults: &mut Vec<Detail>,
    warnings: &mut Vec<Detail>,
) {
    let hidden = std::str::from_utf8(bytes).ok().filter(|_| kind == ArtifactType::Agent).and_then(hidden_limit);
    let marked = (kind == ArtifactType::Instruction).then(|| markers(artifact, bytes)).flatten();
    let own = hidden.into_iter().chain(marked);
    for Finding { line, fatal, text } in front_matter::findings(kind, artifact, bytes).into_iter().chain(own) {
        let list = if fatal { &mut *faults } else { &mut *warnings };
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        list.push(Detail::new(format!("{shown}{line}"), text));
    }
}

/// What would be taken for the end of a section in AGENTS.md or GEMINI.md.
fn markers(artifact: &Artifact, bytes: &[u8]) -> Option<Finding> {
    const MARKS: &str = "`<!-- BEGIN AAM:` or `<!-- END AAM:`, with which aam marks its sections of AGENTS.md and \
                         GEMINI.md, so it cannot be installed there";
    if let Some(line) = deploy::marker_line(bytes) {
        let text = format!("holds {MARKS}: remove the line, or write `AAM` in it otherwise");
        return Some(Finding { line: Some(line), fatal: true, text });
    }
    deploy::marker_line(artifact.description.as_bytes())?;
    let text = format!("its description in aam.yaml holds {MARKS}: take it out of the description");
    Some(Finding { line: None, fatal: true, text })
}

/// A key that limits an agent and stands where no reader sees it as a key: the agent is not installed.
fn hidden_limit(text: &str) -> Option<Finding> {
    let key = deploy::hidden_limit(text)?;
    let front_matter::Parts { head, first, .. } = front_matter::parts(text);
    let mut lines = head.unwrap_or_default().lines();
    let at = lines.position(|line| line.contains(&*key) && front_matter::top_level_key(line).is_none());
    let line = at.map_or(1, |at| at + first);
    let text = format!("`{key}` stands where it is no key of the front matter: begin its line with `{key}: `");
    Some(Finding { line: Some(line), fatal: true, text })
}
