//! What of a person's stands where a plan would write.

use std::collections::BTreeSet;

use super::{
    apply::Policy,
    place::Place,
    plan::Plan,
    present::{Present, present},
    record::Record,
    roots::Roots,
    section::{self, Markers},
};
use crate::{
    confined::Entry,
    failure::{Detail, Failure, Kind, Result},
};

/// Finds everything that stands in the way of `plan`, before anything is written. A changed file in place of which
/// nothing new is to stand is in nobody's way, unless all of the plan is to stand `exactly`.
pub(crate) fn check(roots: &Roots, record: &Record, plan: &Plan, policy: &Policy, exactly: bool) -> Result<()> {
    let mut conflicts = Vec::new();
    // What --force would replace, what has to be moved away, and what has to be mended.
    let (mut replaceable, mut blocked, mut broken_markers) = (false, false, false);
    let mut files: Vec<Place> = Vec::new();
    let places = plan.files.keys().chain(plan.sections.keys());
    for folder in places.flat_map(Place::folders).collect::<BTreeSet<_>>() {
        let below = |file: &Place| folder.folders().any(|above| above == *file);
        if files.iter().any(below) {
            continue;
        }
        if matches!(roots.look(&folder)?, Entry::File | Entry::Other) {
            conflicts.push(Detail::new(folder.to_string(), "is a file, where a folder is needed"));
            blocked = true;
            files.push(folder);
        } else {
            roots.reach(&folder)?;
        }
    }
    if files.is_empty() {
        for (place, file) in &plan.files {
            let ours = record.file(place);
            let changes = ours.is_none_or(|ours| ours.changes_to(file.sha256));
            let is_forced = policy.forces(&file.package, changes);
            if !changes && !is_forced && !exactly {
                continue;
            }
            let why = match (present(roots, place)?, ours) {
                (Present::Nothing, _) => continue,
                (Present::File(found), _) if found == file.sha256 => continue,
                (Present::File(found), Some(ours)) if ours.wrote(found) => continue,
                (Present::Folder, _) => "is a folder",
                (Present::Link, _) => "is a symbolic link",
                (_, Some(_)) => "was changed since it was installed",
                (_, None) => "was there before",
            };
            let is_folder = why == "is a folder";
            if !is_forced || is_folder {
                conflicts.push(Detail::new(place.to_string(), why));
                if is_folder { blocked = true } else { replaceable = true }
            }
        }
        for (place, sections) in &plan.sections {
            let text = roots.read(place)?.unwrap_or_default();
            if !section::takes_sections(&text) {
                let message = format!("{place} is not UTF-8, so nothing can be added to it; nothing was written");
                return Err(Failure::new(Kind::Conflict, "files_in_the_way", message).hint("save it as UTF-8"));
            }
            for (id, section) in sections {
                let ours = record.section(place, id);
                let changes = ours.is_none_or(|ours| ours.changes_to(&section.body));
                let is_forced = policy.forces(&section.package, changes);
                let why = match (Markers::new(id).body(&text), ours) {
                    (Err(broken), _) => broken.as_str(),
                    (Ok(Some(_)), Some(_)) if !changes && !is_forced && !exactly => continue,
                    (Ok(Some(there)), Some(ours)) if there != section.body && !ours.wrote(&there) => {
                        "was changed since it was installed"
                    }
                    (Ok(Some(there)), None) if there != section.body => "was there before, with another text",
                    _ => continue,
                };
                let broken = Markers::new(id).body(&text).is_err();
                if !is_forced || broken {
                    conflicts.push(Detail::new(format!("{place}, {id}"), why));
                    if broken { broken_markers = true } else { replaceable = true }
                }
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Conflict, "files_in_the_way", "Files of yours are in the way; nothing was written")
        .details(conflicts)
        .hint(what_helps(replaceable, blocked, broken_markers)))
}

/// What to do about files in the way, in one sentence; --force is named only where it helps.
fn what_helps(replaceable: bool, blocked: bool, broken_markers: bool) -> String {
    let ways = [
        (blocked, "move away what stands where another kind of file is needed"),
        (broken_markers, "mend the AAM markers, or delete them with what is between them"),
        (replaceable, "move your files away, or replace them with --force"),
    ];
    let ways: Vec<_> = ways.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, way)| way).collect();
    ways.join("; ")
}
