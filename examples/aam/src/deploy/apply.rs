//! Bringing a project from what was written before to what is planned.

use std::collections::BTreeSet;

use aam_registry_core::types::{PackageName, Sha256Digest};
use serde::Serialize;

use super::{
    apply_sections::{apply_sections, section_record},
    place::{Place, PlaceKey},
    plan::Plan,
    present::{Present, present},
    record::{FileRecord, Others, Record, SectionRecord, SectionedFile},
    roots::Roots,
    section::{self, Markers},
};
use crate::{
    confined::{Entry, Mode},
    failure::Result,
    interrupt,
    text::Text,
};

/// Which files that a person wrote or changed are replaced and removed like ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// None.
    Keep,
    /// Those of these packages, and those in place of which something new is to stand.
    Force(BTreeSet<PackageName>),
    /// All.
    ForceAll,
}

impl Policy {
    /// Whether a file of `package` is one of them; `changes` where something else is to stand there than was written
    /// last.
    pub(super) fn forces(&self, package: &PackageName, changes: bool) -> bool {
        match self {
            Self::Keep => false,
            Self::Force(packages) => changes || packages.contains(package),
            Self::ForceAll => true,
        }
    }
}

/// What was done.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Applied {
    /// Files and sections that are new or changed.
    pub(crate) written: Vec<String>,
    pub(crate) removed: Vec<String>,
    /// Left alone, each with why.
    pub(crate) kept: Vec<String>,
    /// Left since installs of other projects need them.
    pub(crate) shared: Vec<String>,
}

/// Puts what is about to be written on record, for the case that the process
/// is killed between writing and saying so.
pub(crate) fn announce(roots: &Roots, record: &mut Record, plan: &Plan, policy: &Policy) -> Result<()> {
    for (place, file) in &plan.files {
        let there = present(roots, place)?;
        let key = Text(PlaceKey(place.clone()));
        match record.files.get_mut(&key) {
            Some(known) if *known.sha256 != file.sha256 => known.next = Some(Text(file.sha256)),
            None if there == Present::Nothing || policy.forces(&file.package, true) => {
                note_folders(roots, record, place)?;
                let next = Some(Text(file.sha256));
                record.files.insert(key, FileRecord { next, ..FileRecord::new(&file.package, file.sha256) });
            }
            _ => {}
        }
    }
    for (place, sections) in &plan.sections {
        let text = roots.read(place)?;
        if !text.as_deref().is_none_or(section::takes_sections) {
            continue;
        }
        for (id, planned) in sections {
            let bytes = text.as_deref().unwrap_or_default();
            let absent = matches!(Markers::new(id).body(bytes), Ok(None)) && !section::holds_body(bytes, &planned.body);
            let sha256 = Text(Sha256Digest::of(&planned.body));
            if record.section(place, id).is_none() && absent {
                note_folders(roots, record, place)?;
            }
            let file = record.sections.entry(Text(PlaceKey(place.clone())));
            let file = file.or_insert_with(|| SectionedFile { created: text.is_none(), ..SectionedFile::default() });
            match file.sections.get_mut(id) {
                Some(known) if known.sha256 != sha256 => known.next = Some(sha256),
                None if absent => {
                    // Nothing of it was written yet, so no line of a person's stands for it.
                    let record = SectionRecord { first: String::new(), ..section_record(planned, String::new()) };
                    file.sections.insert(id.clone(), record);
                }
                _ => {}
            }
        }
    }
    record.sections.retain(|_, file| !file.sections.is_empty());
    Ok(())
}

/// Writes what is planned, removes what was written before and is planned no more.
pub(crate) fn apply(
    roots: &Roots,
    record: &mut Record,
    plan: &Plan,
    policy: &Policy,
    others: &Others,
) -> Result<Applied> {
    let mut applied = Applied::default();
    remove_stale_files(roots, record, plan, policy, others, &mut applied)?;
    for (place, file) in &plan.files {
        interrupt::check()?;
        let planned = file.sha256;
        let known = record.file(place);
        let is_forced = policy.forces(&file.package, known.is_none_or(|known| known.changes_to(planned)));
        match present(roots, place)? {
            // A file that happens to be the same is still its writer's; one of ours may have a stale digest.
            Present::File(found) if found == planned && known.is_none() && !others.need(place, None) => continue,
            Present::File(found) if found == planned => {}
            Present::File(found) if !is_forced && !known.is_some_and(|known| known.wrote(found)) => {
                applied.kept.push(format!("{place}: you changed it since it was installed"));
                continue;
            }
            Present::Folder | Present::Link | Present::Other if !is_forced => {
                applied.kept.push(format!("{place}: it is no file of ours"));
                continue;
            }
            _ => {
                note_folders(roots, record, place)?;
                let mode = if file.executable { Mode::Executable } else { Mode::Plain };
                roots.write_soon(place, &file.contents.bytes()?, mode)?;
                applied.written.push(place.to_string());
            }
        }
        record.put_file(place, FileRecord::new(&file.package, planned));
    }
    apply_sections(roots, record, plan, policy, others, &mut applied)?;
    remove_folders(roots, record);
    Ok(applied)
}

/// Removes what a killed command was writing at the places on record.
pub(crate) fn sweep(roots: &Roots, record: &Record) {
    for place in record.files.keys().chain(record.sections.keys()) {
        roots.sweep(&place.0.0);
    }
}

fn remove_stale_files(
    roots: &Roots,
    record: &mut Record,
    plan: &Plan,
    policy: &Policy,
    others: &Others,
    applied: &mut Applied,
) -> Result<()> {
    let stale: Vec<_> = record.files.keys().filter(|key| !plan.files.contains_key(&key.0.0)).cloned().collect();
    for key in stale {
        interrupt::check()?;
        let place = &key.0.0;
        let there = present(roots, place);
        let ours = record.files.get(&key);
        let is_ours = |found| ours.is_some_and(|ours| policy.forces(&ours.package, false) || ours.wrote(found));
        match there {
            Ok(Present::Nothing) => {}
            Ok(Present::File(found)) if is_ours(found) => {
                if others.need(place, None) {
                    applied.shared.push(place.to_string());
                } else {
                    roots.remove_file(place)?;
                    applied.removed.push(place.to_string());
                }
            }
            Ok(Present::File(_)) => applied.kept.push(format!("{place}: you changed it since it was installed")),
            Ok(_) => applied.kept.push(format!("{place}: it is no file of ours any more")),
            // A link on the way: what lies behind it was never written by us.
            Err(failure) if &*failure.code == "link_in_the_way" => applied.kept.push(format!("{place}: {failure}")),
            Err(failure) => return Err(failure),
        }
        record.files.remove(&key);
    }
    Ok(())
}

/// Remembers the folders that writing `place` will make.
pub(super) fn note_folders(roots: &Roots, record: &mut Record, place: &Place) -> Result<()> {
    for folder in place.folders() {
        if roots.look(&folder)? != Entry::Nothing {
            break;
        }
        record.folders.insert(Text(PlaceKey(folder)));
    }
    Ok(())
}

/// Removes the folders that we made and nobody uses, deepest first.
fn remove_folders(roots: &Roots, record: &mut Record) {
    let mut folders: Vec<_> = record.folders.iter().cloned().collect();
    folders.sort_by_key(|key| std::cmp::Reverse(key.0.0.depth()));
    for key in folders {
        // One that is not empty is in use, by us or by somebody.
        if roots.remove_empty(&key.0.0) {
            record.folders.remove(&key);
        }
    }
}
