//! Says in few lines which parts of artifacts platforms do not get.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::{ArtifactType, PackageName};

use super::platform::Platform;

/// How many artifacts a line names.
const NAMED: usize = 3;

/// What an artifact loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    /// Keys of its front matter.
    Keys,
    /// What another tool fills in, and this one reads as text.
    AsText,
}

/// The artifacts that lose something, by what they lose.
#[derive(Debug, Default)]
pub(super) struct Losses<'a>(BTreeMap<Lost<'a>, BTreeSet<&'a str>>);

/// What artifacts of one type of a package lose on a platform.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lost<'a> {
    platform: Platform,
    kind: ArtifactType,
    owner: &'a PackageName,
    loss: Loss,
    what: Vec<String>,
}

impl<'a> Losses<'a> {
    /// Notes the keys that an artifact goes without, and what of it is read as text.
    pub(super) fn note(
        &mut self,
        platform: Platform,
        kind: ArtifactType,
        owner: &'a PackageName,
        artifact: &'a str,
        (keys, as_text): (Vec<String>, Vec<String>),
    ) {
        let keys = keys.into_iter().map(|key| format!("`{key}`")).collect();
        for (loss, mut what) in [(Loss::Keys, keys), (Loss::AsText, as_text)] {
            if !what.is_empty() {
                what.sort();
                let lost = Lost { platform, kind, owner, loss, what };
                self.0.entry(lost).or_default().insert(artifact);
            }
        }
    }

    /// One line for those that lose the same.
    pub(super) fn lines(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(Lost { platform, kind, owner, loss, what }, artifacts)| {
            let named: Vec<_> = artifacts.iter().take(NAMED).copied().collect();
            let (named, all) = (named.join(", "), artifacts.len());
            let kind = kind.as_str();
            let who = match all {
                1 => format!("the {kind} {named} of {owner}"),
                2..=NAMED => format!("the {kind}s {named} of {owner}"),
                _ => format!("{all} {kind}s of {owner} ({named} and others)"),
            };
            let many = all > 1;
            let what = what.join(", ");
            match loss {
                Loss::Keys => format!("{platform}: {who} {} without {what}", if many { "go" } else { "goes" }),
                Loss::AsText => {
                    let verb = if many { "hold" } else { "holds" };
                    format!("{platform}: {who} {verb} {what}, which nothing fills in there, so it stands as text")
                }
            }
        })
    }
}
