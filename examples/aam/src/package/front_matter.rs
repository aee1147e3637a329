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
    for Finding { line, fatal, text } in front_matter::findings(kind, artifact, bytes).into_iter().chain(hidden) {
        let list = if fatal { &mut *faults } else { &mut *warnings };
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        list.push(Detail::new(format!("{shown}{line}"), text));
    }
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
