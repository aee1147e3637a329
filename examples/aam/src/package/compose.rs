//! The files that make a package of what lies in a folder.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use aam_registry_core::{
    archive::ArchiveLimits,
    types::{Artifact, ArtifactType, PackageName, Version},
};

use super::{
    artifacts,
    discover::{About, Found},
    packed::Packed,
    source::Draft,
};
use crate::{
    confined::{Folder, Mode},
    deploy::yaml_text,
    failure::{Detail, Failure, Result},
};

/// How often what cannot be packed is taken out before giving up.
const ROUNDS: usize = 64;

/// What files at the root of a package begin with that tell about it.
const ABOUT: &[&str] =
    &["readme", "license", "licence", "copying", "notice", "third_party_notices", "changelog", "authors"];

/// A package that is ready to be written.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) folder: PathBuf,
    pub(crate) name: PackageName,
    pub(crate) version: Version,
    /// The text of `aam.yaml`.
    pub(crate) manifest: String,
    /// The text of `.aamignore`, where one is to be written.
    pub(crate) aamignore: Option<String>,
    pub(crate) taken: Vec<Found>,
    /// What no registry or no tool would take, each with why.
    pub(crate) refused: Vec<Detail>,
    pub(crate) warnings: Vec<Detail>,
}

/// Composes the package `name` of `found` in `folder`. Of the files that lie
/// there only `files` may go in. Nothing is written.
pub(crate) fn compose(
    folder: &Path,
    name: PackageName,
    about: &About,
    found: Vec<Found>,
    files: &[String],
) -> Result<Composed> {
    let version = about.version.clone().unwrap_or_else(|| "0.1.0".parse().expect("0.1.0 is SemVer"));
    let mut composed = Composed {
        folder: folder.to_owned(),
        manifest: String::new(),
        aamignore: None,
        taken: Vec::new(),
        refused: Vec::new(),
        warnings: Vec::new(),
        name,
        version,
    };
    for found in found {
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        artifacts::look_at(folder, found.kind, &artifact(&found), &found.path, &mut faults, &mut warnings);
        composed.warnings.append(&mut warnings);
        if faults.is_empty() {
            composed.taken.push(found);
        } else {
            composed.refused.append(&mut faults);
        }
    }
    // Sizes are for the registry to judge, names for every system.
    let limits = ArchiveLimits::NONE.with_names(ArchiveLimits::default().names());
    let may_go_in: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let has_rules = folder.join(".aamignore").exists();
    // What no rule of the folder keeps out yet.
    let mut kept_out = BTreeSet::new();
    for _ in 0..ROUNDS {
        if composed.taken.is_empty() {
            break;
        }
        composed.manifest = manifest(&composed, about);
        composed.aamignore = if has_rules { None } else { aamignore(&composed.taken, files, &kept_out) };
        let draft = Draft { manifest: &composed.manifest, aamignore: composed.aamignore.as_deref() };
        match Packed::pack_with(folder, Some(&draft), &limits) {
            Ok(packed) => {
                let packed_files = packed.judged.files.iter().map(|file| &*file.path);
                let unwanted: Vec<_> =
                    packed_files.filter(|file| *file != "aam.yaml" && !may_go_in.contains(file)).collect();
                if unwanted.is_empty() {
                    composed.warnings.extend(packed.suspects);
                    return Ok(composed);
                }
                if has_rules {
                    let why =
                        "is left out by the rules of a folder above; leave it out in this folder's .aamignore, too";
                    let details = unwanted.into_iter().map(|file| Detail::new(file, why)).collect();
                    composed.take_out(Failure::invalid("Not everything may be packed").details(details))?;
                } else {
                    kept_out.extend(unwanted.into_iter().map(|file| outermost(file, files).to_owned()));
                }
            }
            Err(failure) => match composed.take_out(failure) {
                Ok(()) => {}
                // It is about what belongs to nothing that is taken.
                Err(failure) if has_rules || failure.details.is_empty() => return Err(failure),
                Err(failure) => {
                    let before = kept_out.len();
                    kept_out.extend(failure.details.iter().map(|detail| detail.field.clone()));
                    if kept_out.len() == before {
                        return Err(failure);
                    }
                }
            },
        }
    }
    let failure = Failure::invalid("Nothing of it can be packed").details(composed.refused);
    Err(failure.hint("mend what is named, or make a new package with `aam pkg init`"))
}

impl Composed {
    /// Takes out the artifacts that a failure of packing is about.
    fn take_out(&mut self, failure: Failure) -> Result<()> {
        let details = if failure.details.is_empty() {
            // The path stands between backticks in the message.
            let path = failure.message.split('`').nth(1).unwrap_or_default();
            vec![Detail::new(path, &*failure.message)]
        } else {
            failure.details.clone()
        };
        let before = self.taken.len();
        for detail in details {
            let bad = |found: &Found| super::discover::is_below(&detail.field, &found.path);
            if self.taken.iter().any(bad) {
                self.taken.retain(|found| !bad(found));
                self.refused.push(detail);
            }
        }
        if self.taken.len() == before { Err(failure) } else { Ok(()) }
    }

    /// Writes the files; returns their names.
    pub(crate) fn write(&self) -> Result<Vec<&'static str>> {
        let folder = Folder::named(&self.folder)?;
        let mut written = Vec::new();
        // First what keeps files out: no package is there without it.
        if let Some(text) = &self.aamignore {
            folder.write(".aamignore", text.as_bytes(), Mode::Plain)?;
            written.push(".aamignore");
        }
        folder.write("aam.yaml", self.manifest.as_bytes(), Mode::Plain)?;
        written.push("aam.yaml");
        Ok(written)
    }
}

/// How the manifest names what was found.
fn artifact(found: &Found) -> Artifact {
    let path = if found.path.is_empty() { "SKILL.md" } else { &found.path };
    Artifact { name: found.name.clone(), path: path.to_owned(), description: found.description.clone() }
}

fn manifest(composed: &Composed, about: &About) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{key}: {}", yaml_text(value));
    };
    line("name", composed.name.as_str());
    line("version", &composed.version.to_string());
    line("description", &about.description.clone().unwrap_or_else(|| summary(&composed.taken)));
    let optional = [
        ("author", &about.author),
        ("license", &about.license),
        ("repository", &about.repository),
        ("homepage", &about.homepage),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            line(key, value);
        }
    }
    if !about.keywords.is_empty() {
        let _ = writeln!(
            text,
            "keywords: [{}]",
            about.keywords.iter().map(|word| yaml_text(word)).collect::<Vec<_>>().join(", ")
        );
    }
    text.push_str("\nartifacts:\n");
    for kind in ArtifactType::ALL {
        let of_kind: Vec<_> = composed.taken.iter().filter(|found| found.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  {}:", kind.plural());
        for found in of_kind {
            let artifact = artifact(found);
            let _ =
                writeln!(text, "    - name: {}\n      path: {}", yaml_text(&artifact.name), yaml_text(&artifact.path));
            if !artifact.description.is_empty() {
                let _ = writeln!(text, "      description: {}", yaml_text(&artifact.description));
            }
        }
    }
    text
}

/// A description of a package that has none: what is in it.
fn summary(taken: &[Found]) -> String {
    if let [one] = taken
        && !one.description.is_empty()
    {
        return super::discover::shortened(&one.description);
    }
    let names: Vec<_> = taken.iter().map(|found| &*found.name).collect();
    super::discover::shortened(&names.join(", "))
}

/// What keeps everything else of the folder out, and `kept_out`, paths of what
/// lies in it; `None` where there is nothing else.
fn aamignore(taken: &[Found], files: &[String], kept_out: &BTreeSet<String>) -> Option<String> {
    let own = ["aam.yaml", ".aamignore"];
    let of_artifact = |file: &str| taken.iter().any(|found| super::discover::is_below(file, &found.path));
    let is_about = |file: &str| {
        let lower = file.to_lowercase();
        !file.contains('/') && ABOUT.iter().any(|start| lower.starts_with(start))
    };
    let plain = |file: &str| !file.contains(['*', '?', '[', '\\', '!', '#']) && file.trim() == file;
    let others = files.iter().any(|file| !own.contains(&&**file) && !of_artifact(file) && !is_about(file));
    if !others && kept_out.is_empty() {
        return None;
    }
    let mut text =
        "# What aam.yaml names goes into the package, and these files; nothing else that lies here.\n*\n".to_owned();
    for file in files.iter().filter(|file| is_about(file) && plain(file)) {
        let _ = writeln!(text, "!/{file}");
    }
    for path in kept_out {
        let _ = writeln!(text, "/{}", pattern_of(path));
    }
    Some(text)
}

/// The outermost folder on the way to `file` that holds none of `files`, else the file.
fn outermost<'a>(file: &'a str, files: &[String]) -> &'a str {
    let folders = file.match_indices('/').map(|(end, _)| &file[..end]);
    let holds_none = |folder: &&str| !files.iter().any(|other| super::discover::is_below(other, folder));
    folders.into_iter().find(holds_none).unwrap_or(file)
}

/// The pattern of an ignore file that fits `path` alone.
fn pattern_of(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for c in path.chars() {
        // A pattern is one line.
        if c.is_control() {
            pattern.push('?');
            continue;
        }
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!' | '#' | ' ') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
