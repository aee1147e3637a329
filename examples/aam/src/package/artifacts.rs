//! What an artifact must hold to be of use where it is installed.

use std::path::Path;

use aam_registry_core::{
    archive::front_matter,
    types::{Artifact, ArtifactType},
};
use walkdir::WalkDir;

use super::{
    front_matter::check,
    inside::{self, MAX_TEXT, Unread},
    skeleton,
};
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
    plugin_variables(folder, kind, artifact, warnings);
    let file = match kind {
        ArtifactType::Skill => skill_file(&path, artifact),
        ArtifactType::Agent => {
            if let Err(failure) = deploy::read_agent(folder, artifact) {
                faults.push(Detail::new(&*artifact.path, &*failure.message));
                return;
            }
            // One that cannot be read has its faults told below.
            if let Ok(Some(told)) = deploy::not_offered(folder, artifact) {
                warnings.push(Detail::new(&*artifact.path, told));
            }
            // The parts of a folder are read by `read_agent`.
            if path.is_dir() {
                return;
            }
            artifact.path.clone()
        }
        ArtifactType::Prompt | ArtifactType::Instruction => {
            if path.is_dir() {
                faults.push(Detail::new(&*artifact.path, front_matter::folder_instead(kind)));
                return;
            }
            artifact.path.clone()
        }
    };
    let bytes = match inside::read(folder, &file, MAX_TEXT) {
        Ok(bytes) => bytes,
        Err(unread) => {
            let why = match unread {
                Unread::Missing if kind == ArtifactType::Skill => front_matter::NO_SKILL.to_owned(),
                Unread::Missing => "is missing".to_owned(),
                Unread::Refused(why) => why,
                Unread::Failed(error) => format!("cannot be read ({error}); make it readable"),
            };
            faults.push(Detail::new(file, why));
            return;
        }
    };
    check(kind, artifact, &file, &bytes, faults, warnings);
    if kind == ArtifactType::Skill && skeleton::is_untouched(&bytes) {
        let error = "still holds what `aam pkg init` wrote: say here what to do when the skill is used, or remove it \
                     and its entry in aam.yaml";
        faults.push(Detail::new(file, error));
    }
}

/// Warns of each file that names what only plugins have.
fn plugin_variables(folder: &Path, kind: ArtifactType, artifact: &Artifact, warnings: &mut Vec<Detail>) {
    /// The most bytes of a file that is looked into.
    const MOST: u64 = 1024 * 1024;
    let path = match kind {
        ArtifactType::Skill => deploy::skill_folder(&artifact.path).unwrap_or(&artifact.path),
        _ => &artifact.path,
    };
    // A skill that is the whole folder has files in it that may belong to others.
    let depth = if path.is_empty() { 1 } else { usize::MAX };
    for entry in WalkDir::new(folder.join(path)).max_depth(depth).sort_by_file_name().into_iter().flatten() {
        if !entry.file_type().is_file() {
            continue;
        }
        let shown = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_string_lossy();
        let shown = shown.replace(std::path::MAIN_SEPARATOR, "/");
        // A file that cannot be read is told of where it is packed.
        let Ok(bytes) = inside::read(folder, &shown, MOST) else { continue };
        let Some((line, variable)) = deploy::plugin_variable(&bytes) else { continue };
        let mend = if kind == ArtifactType::Skill {
            "put what it leads to into the skill's folder, and name it by its path from there"
        } else {
            "make a skill of it, which brings its files along, or say it without them"
        };
        let text = format!("names `{variable}`, which tools set for plugins only, so it leads nowhere here: {mend}");
        warnings.push(Detail::new(format!("{shown}:{line}"), text));
    }
}

/// The file that a skill is read from, by its path in the package.
fn skill_file(path: &Path, artifact: &Artifact) -> String {
    if path.is_dir() { format!("{}/SKILL.md", artifact.path) } else { artifact.path.clone() }
}
