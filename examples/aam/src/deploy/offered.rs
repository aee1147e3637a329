//! Where an agent cannot be installed, known before it is published.

use std::{collections::BTreeMap, path::Path};

use aam_registry_core::types::{Artifact, ArtifactType};

use super::{
    agent,
    limits::Refusal,
    platform::{Platform, Scope},
    rules::Target,
};
use crate::failure::Result;

/// The platforms that an agent of the package in the folder `package` cannot be
/// installed for, and why, in one line; `None` where it can be for all.
pub(crate) fn not_offered(package: &Path, artifact: &Artifact) -> Result<Option<String>> {
    let document = agent::read(package, artifact)?;
    let mut refused: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for platform in Platform::ALL {
        let why = match platform.targets(Scope::Project).of(ArtifactType::Agent) {
            Target::Skill { form, .. } | Target::File { form, .. } | Target::Section { form, .. } => {
                form.of(&document).err().map(|Refusal(why)| why)
            }
            Target::Folder { .. } => None,
            Target::Nowhere(why) => Some((*why).to_owned()),
        };
        if let Some(why) = why {
            // The platforms are named once, at the beginning.
            let reason = match why.rsplit_once(", which ") {
                Some((reason, rest)) if rest.ends_with(" has no form for") => reason.to_owned(),
                _ => why,
            };
            refused.entry(reason).or_default().push(platform.as_str());
        }
    }
    if refused.is_empty() {
        return Ok(None);
    }
    let mut reasons: Vec<_> = refused.into_iter().collect();
    reasons.sort_by_key(|(_, platforms)| std::cmp::Reverse(platforms.len()));
    let reasons: Vec<_> = reasons.into_iter().map(|(why, on)| format!("{}: {why}", on.join(", "))).collect();
    Ok(Some(format!("the agent {} cannot be installed for {}", artifact.name, reasons.join("; for "))))
}
