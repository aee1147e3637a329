//! Gives each artifact one name: copies for several tools count as one, and different
//! ones of one name are told apart by where they lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use aam_registry_core::types::{ArtifactType, Sha256Digest};

use super::{Found, Names, Seen, naming};
use crate::failure::{Detail, Result};

/// The folders whose copy is taken before another's.
const FIRST: &[&str] = &[".apm", ".agents", ".claude", ".github", ".cursor"];

/// Takes one of each set of copies, and gives the rest names of their own.
pub(super) fn settle(seen: &Seen, candidates: Vec<Found>, names: Names, not_taken: &mut Vec<Detail>) -> Vec<Found> {
    let mut units: BTreeMap<Option<String>, Vec<Found>> = BTreeMap::new();
    for found in candidates {
        let unit = found.unit().filter(|_| names == Names::OfUnits).map(str::to_owned);
        units.entry(unit).or_default().push(found);
    }
    let mut settled = Vec::new();
    for found in units.into_values() {
        settled.extend(settle_unit(seen, found, not_taken));
    }
    settled.sort_by(|a, b| (a.kind, &a.name, &a.path).cmp(&(b.kind, &b.name, &b.path)));
    settled
}

fn settle_unit(seen: &Seen, candidates: Vec<Found>, not_taken: &mut Vec<Detail>) -> Vec<Found> {
    let mut groups: BTreeMap<(ArtifactType, String), Vec<Found>> = BTreeMap::new();
    for found in candidates {
        groups.entry((found.kind, found.name.to_ascii_lowercase())).or_default().push(found);
    }
    let taken: BTreeSet<(ArtifactType, String)> = groups.keys().cloned().collect();
    let mut settled = Vec::new();
    let mut others = Vec::new();
    for (_, mut group) in groups {
        if group.len() == 1 {
            settled.append(&mut group);
            continue;
        }
        group.sort_by_key(|found| (rank(&found.path), found.path.clone()));
        let mut distinct: Vec<(Sha256Digest, Found)> = Vec::new();
        for found in group {
            let digest = match digest(seen, &found) {
                Ok(digest) => digest,
                Err(why) => {
                    not_taken.push(why);
                    continue;
                }
            };
            match distinct.iter().find(|(other, _)| *other == digest) {
                Some((_, first)) => {
                    let why = format!("is the same as {}, which is taken", shown(first));
                    not_taken.push(Detail::new(shown(&found), why));
                }
                None => distinct.push((digest, found)),
            }
        }
        if distinct.len() == 1 {
            settled.extend(distinct.into_iter().map(|(_, found)| found));
        } else {
            others.extend(distinct.into_iter().map(|(_, found)| found));
        }
    }
    let mut taken = taken;
    for mut found in others {
        found.name = own_name(&found, &taken);
        taken.insert((found.kind, found.name.clone()));
        settled.push(found);
    }
    settled
}

/// Where an artifact lies, for a person.
fn shown(found: &Found) -> &str {
    if found.path.is_empty() { "SKILL.md" } else { &found.path }
}

/// What a repository offers comes before what its own tools read.
fn rank(path: &str) -> usize {
    let first = path.split('/').next().unwrap_or_default();
    match FIRST.iter().position(|folder| *folder == first) {
        Some(at) => at + 1,
        None if first.starts_with('.') => FIRST.len() + 1,
        None => 0,
    }
}

/// A digest of all that an artifact is.
fn digest(seen: &Seen, found: &Found) -> Result<Sha256Digest, Detail> {
    let mut text = String::new();
    for file in seen.below(&found.path) {
        let inner = file.strip_prefix(found.path.as_str()).unwrap_or(file);
        let digest = Sha256Digest::of(&seen.read(file)?);
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{digest} {} {inner}", inner.len());
    }
    Ok(Sha256Digest::of(text.as_bytes()))
}

/// The name with that of the plugin, else of the folder, before it; numbered where that is taken, too.
fn own_name(found: &Found, taken: &BTreeSet<(ArtifactType, String)>) -> String {
    let plugin = found.plugin.rsplit('/').next().filter(|plugin| !plugin.is_empty());
    let folder = || {
        let inside = found.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let general = ["skills", "agents", "commands", "prompts", "instructions", "rules"];
        inside.rsplit('/').find(|segment| !segment.is_empty() && !general.contains(segment)).unwrap_or("other")
    };
    let long = naming::artifact_name(&format!("{}-{}", plugin.unwrap_or_else(folder), found.name));
    let free = |name: &String| !taken.contains(&(found.kind, name.clone()));
    let numbered = (2..).map(|number| format!("{}-{number}", long.chars().take(60).collect::<String>()));
    std::iter::once(long.clone()).chain(numbered).find(free).unwrap_or(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_left_and_the_rest_taken() {
        let folder = tempfile::tempdir().expect("folder");
        let found = |path: &str| Found {
            kind: ArtifactType::Prompt,
            name: "x".to_owned(),
            path: path.to_owned(),
            description: String::new(),
            plugin: String::new(),
        };
        std::fs::write(folder.path().join("a.md"), "A").expect("file");
        // Seen, and gone since.
        let files = vec!["a.md".to_owned(), "b.md".to_owned()];
        let seen = Seen { root: folder.path().to_owned(), files, not_taken: Vec::new() };
        let mut not_taken = Vec::new();
        let settled = settle(&seen, vec![found("a.md"), found("b.md")], Names::OfAll, &mut not_taken);
        assert_eq!(settled, [found("a.md")]);
        assert_eq!(not_taken.iter().map(|one| &*one.field).collect::<Vec<_>>(), ["b.md"]);
    }
}
