//! Asking which of the artifacts that were found go into a package.

use std::collections::BTreeSet;

use aam_registry_core::types::ArtifactType;

use crate::{
    failure::{Failure, Kind, Result},
    package::Found,
    prompt,
    session::Session,
};

/// How much of a description is shown beside a name.
const SHOWN: usize = 60;

/// Shows `found` and asks which of them to take.
pub(super) fn ask(session: &Session, found: Vec<Found>) -> Result<Vec<Found>> {
    let mut kind = None;
    for (at, artifact) in found.iter().enumerate() {
        if kind.replace(artifact.kind) != Some(artifact.kind) {
            session.out.note(&format!("{}:", artifact.kind.plural()));
        }
        let path = if artifact.path.is_empty() { "SKILL.md" } else { &artifact.path };
        let described: String = artifact.description.chars().take(SHOWN).collect();
        session.out.note(&format!("  {:>3}  {}  {path}  {described}", at + 1, artifact.name));
    }
    loop {
        let answer = prompt::optional_line("Which to take? `all`, or numbers and types such as `1-3, 7, agents`")?;
        match parse(&answer, &found) {
            Ok(chosen) if chosen.is_empty() => {
                return Err(Failure::new(Kind::Other, "stopped", "Nothing was chosen, and nothing was written"));
            }
            Ok(chosen) => {
                let all = found.into_iter().enumerate();
                return Ok(all.filter(|(at, _)| chosen.contains(at)).map(|(_, artifact)| artifact).collect());
            }
            Err(why) => session.out.note(&why),
        }
    }
}

/// The places in `found` that an answer names.
fn parse(answer: &str, found: &[Found]) -> Result<BTreeSet<usize>, String> {
    let mut chosen = BTreeSet::new();
    let words = answer.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty());
    for word in words {
        let lower = word.to_ascii_lowercase();
        if lower == "all" {
            chosen.extend(0..found.len());
            continue;
        }
        let kind = ArtifactType::ALL.into_iter().find(|kind| lower == kind.plural() || lower == kind.as_str());
        if let Some(kind) = kind {
            chosen.extend((0..found.len()).filter(|at| found[*at].kind == kind));
            continue;
        }
        if let Some(at) = found.iter().position(|artifact| artifact.name == word) {
            chosen.insert(at);
            continue;
        }
        let (from, to) = word.split_once('-').unwrap_or((word, word));
        match (from.parse::<usize>(), to.parse::<usize>()) {
            (Ok(from), Ok(to)) if (1..=to).contains(&from) && to <= found.len() => chosen.extend(from - 1..to),
            _ => return Err(format!("`{word}` is no number from 1 to {}, no type and no name", found.len())),
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_numbers_types_and_names() {
        let one = |kind, name: &str| Found {
            kind,
            name: name.to_owned(),
            path: name.to_owned(),
            description: String::new(),
            plugin: String::new(),
        };
        let found = [
            one(ArtifactType::Agent, "reviewer"),
            one(ArtifactType::Skill, "a-b"),
            one(ArtifactType::Skill, "c"),
            one(ArtifactType::Prompt, "d"),
        ];
        for (answer, expected) in [
            ("all", &[0, 1, 2, 3][..]),
            ("1-2, 4", &[0, 1, 3]),
            ("skills", &[1, 2]),
            ("agent c", &[0, 2]),
            ("a-b", &[1]),
            ("", &[]),
        ] {
            assert_eq!(parse(answer, &found).expect("an answer"), expected.iter().copied().collect(), "{answer}");
        }
        for answer in ["0", "5", "3-1", "x", "1-9"] {
            assert!(parse(answer, &found).is_err(), "{answer}");
        }
    }
}
