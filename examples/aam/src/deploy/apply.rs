//! Bringing a project from what was written before to what is planned.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::Sha256Digest;
use serde::Serialize;

use super::{
    place::{Place, PlaceKey},
    plan::{Plan, PlannedSection},
    record::{FileRecord, Others, Record, SectionRecord, SectionedFile},
    roots::Roots,
    section::{self, Markers},
};
use crate::{
    confined::{Entry, Mode},
    failure::{Detail, Failure, Kind, Result},
    text::Text,
};

/// What may be done to files that a person wrote or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// They are kept.
    Keep,
    /// They are replaced and removed like ours.
    Force,
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

/// Finds everything that stands in the way of `plan`, before anything is written.
pub(crate) fn check(roots: &Roots, record: &Record, plan: &Plan, policy: Policy) -> Result<()> {
    let mut conflicts = Vec::new();
    let mut files: Vec<Place> = Vec::new();
    let places = plan.files.keys().chain(plan.sections.keys());
    for folder in places.flat_map(Place::folders).collect::<BTreeSet<_>>() {
        let below = |file: &Place| folder.folders().any(|above| above == *file);
        if files.iter().any(below) {
            continue;
        }
        if matches!(roots.look(&folder)?, Entry::File | Entry::Other) {
            conflicts.push(Detail::new(folder.to_string(), "is a file, where a folder is needed"));
            files.push(folder);
        } else {
            roots.reach(&folder)?;
        }
    }
    if files.is_empty() {
        for (place, file) in &plan.files {
            let ours = record.file(place);
            let why = match (present(roots, place)?, ours) {
                (Present::Nothing, _) => continue,
                (Present::File(found), _) if found == file.sha256 => continue,
                (Present::File(found), Some(ours)) if ours.wrote(found) => continue,
                (Present::Folder, _) => "is a folder",
                (Present::Link, _) => "is a symbolic link",
                (_, Some(_)) => "was changed since it was installed",
                (_, None) => "was there before",
            };
            if policy == Policy::Keep || why == "is a folder" {
                conflicts.push(Detail::new(place.to_string(), why));
            }
        }
        for (place, sections) in &plan.sections {
            let text = roots.read(place)?.unwrap_or_default();
            for (id, section) in sections {
                let why = match (Markers::new(id).body(&text), record.section(place, id)) {
                    (Err(broken), _) => broken.as_str(),
                    (Ok(Some(there)), Some(ours)) if there != section.body && !ours.wrote(&there) => {
                        "was changed since it was installed"
                    }
                    (Ok(Some(there)), None) if there != section.body => "was there before, with another text",
                    _ => continue,
                };
                let broken = Markers::new(id).body(&text).is_err();
                if policy == Policy::Keep || broken {
                    conflicts.push(Detail::new(format!("{place}, {id}"), why));
                }
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Conflict, "files_in_the_way", "Files of yours are in the way; nothing was written")
        .details(conflicts)
        .hint("move them away or mend their AAM markers, or replace what you changed with --force"))
}

/// Puts what is about to be written on record, for the case that the process
/// is killed between writing and saying so.
pub(crate) fn announce(roots: &Roots, record: &mut Record, plan: &Plan, policy: Policy) -> Result<()> {
    for (place, file) in &plan.files {
        let there = present(roots, place)?;
        let key = Text(PlaceKey(place.clone()));
        match record.files.get_mut(&key) {
            Some(known) if *known.sha256 != file.sha256 => known.next = Some(Text(file.sha256)),
            None if there == Present::Nothing || policy == Policy::Force => {
                note_folders(roots, record, place)?;
                record.files.insert(key, FileRecord::new(&file.package, file.sha256));
            }
            _ => {}
        }
    }
    for (place, sections) in &plan.sections {
        let text = roots.read(place)?;
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
    policy: Policy,
    others: &Others,
) -> Result<Applied> {
    let mut applied = Applied::default();
    remove_stale_files(roots, record, plan, policy, others, &mut applied)?;
    for (place, file) in &plan.files {
        let planned = file.sha256;
        let known = record.file(place);
        match present(roots, place)? {
            // A file that happens to be the same is still its writer's; one of ours may have a stale digest.
            Present::File(found) if found == planned && known.is_none() && !others.need(place, None) => continue,
            Present::File(found) if found == planned => {}
            Present::File(found) if policy == Policy::Keep && !known.is_some_and(|known| known.wrote(found)) => {
                applied.kept.push(format!("{place}: you changed it since it was installed"));
                continue;
            }
            Present::Folder | Present::Link | Present::Other if policy == Policy::Keep => {
                applied.kept.push(format!("{place}: it is no file of ours"));
                continue;
            }
            _ => {
                note_folders(roots, record, place)?;
                let mode = if file.executable { Mode::Executable } else { Mode::Plain };
                roots.write(place, &file.contents.bytes()?, mode)?;
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
    policy: Policy,
    others: &Others,
    applied: &mut Applied,
) -> Result<()> {
    let stale: Vec<_> = record.files.keys().filter(|key| !plan.files.contains_key(&key.0.0)).cloned().collect();
    for key in stale {
        let place = &key.0.0;
        let there = present(roots, place);
        let ours = record.files.get(&key);
        match there {
            Ok(Present::Nothing) => {}
            Ok(Present::File(found)) if policy == Policy::Force || ours.is_some_and(|ours| ours.wrote(found)) => {
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

fn apply_sections(
    roots: &Roots,
    record: &mut Record,
    plan: &Plan,
    policy: Policy,
    others: &Others,
    applied: &mut Applied,
) -> Result<()> {
    let none = BTreeMap::new();
    let places: BTreeSet<Place> =
        record.sections.keys().map(|key| key.0.0.clone()).chain(plan.sections.keys().cloned()).collect();
    for place in places {
        let planned = plan.sections.get(&place).unwrap_or(&none);
        let key = Text(PlaceKey(place.clone()));
        let before = match roots.read(&place) {
            Err(failure) if planned.is_empty() && &*failure.code == "link_in_the_way" => {
                applied.kept.push(format!("{place}: {failure}"));
                record.sections.remove(&key);
                continue;
            }
            read => read?,
        };
        let known = record.sections.get(&key).cloned();
        let mut file = known.unwrap_or_else(|| SectionedFile { created: before.is_none(), ..SectionedFile::default() });
        let mut text = before.clone().unwrap_or_default();
        let mut edit = Edit { place: &place, text: &mut text, file: &mut file, policy, applied };
        edit.take_out(planned, others);
        edit.put_in(planned);
        if file.sections.is_empty() && file.created && text.trim_ascii().is_empty() {
            if before.is_some() {
                roots.remove_file(&place)?;
            }
        } else if before.as_ref() != Some(&text) && (before.is_some() || !text.is_empty()) {
            note_folders(roots, record, &place)?;
            roots.write(&place, &text, Mode::Kept)?;
        }
        if file.sections.is_empty() {
            record.sections.remove(&key);
        } else {
            record.sections.insert(key, file);
        }
    }
    Ok(())
}

/// Work on the sections of one file.
struct Edit<'a> {
    place: &'a Place,
    text: &'a mut Vec<u8>,
    file: &'a mut SectionedFile,
    policy: Policy,
    applied: &'a mut Applied,
}

impl Edit<'_> {
    /// Removes the sections that are planned no more.
    fn take_out(&mut self, planned: &BTreeMap<String, PlannedSection>, others: &Others) {
        let stale: Vec<_> = self.file.sections.keys().filter(|id| !planned.contains_key(*id)).cloned().collect();
        for id in stale {
            let Some(ours) = self.file.sections.remove(&id) else { continue };
            let markers = Markers::new(&id);
            let said = format!("{}, {id}", self.place);
            match markers.body(self.text) {
                Ok(Some(_)) if others.need(self.place, Some(&id)) => self.applied.shared.push(said),
                Ok(Some(there)) if self.policy == Policy::Force || ours.wrote(&there) => {
                    if markers.remove(self.text, &ours.before).is_ok() {
                        self.applied.removed.push(said);
                    }
                }
                Ok(Some(_)) => self.applied.kept.push(format!("{said}: you changed it since it was installed")),
                Ok(None) if section::holds_line(self.text, &ours.first) => {
                    self.applied.kept.push(format!("{said}: its AAM markers are gone, so its text is yours"));
                }
                Ok(None) => {}
                Err(broken) => self.applied.kept.push(format!("{said}: it {}", broken.as_str())),
            }
        }
    }

    /// Writes the sections that are planned.
    fn put_in(&mut self, planned: &BTreeMap<String, PlannedSection>) {
        for (id, section) in planned {
            let markers = Markers::new(id);
            let said = format!("{}, {id}", self.place);
            let known = self.file.sections.get(id).cloned();
            let there = match markers.body(self.text) {
                Ok(there) => there,
                Err(broken) => {
                    self.applied.kept.push(format!("{said}: it {}", broken.as_str()));
                    continue;
                }
            };
            let ours =
                |there: &Vec<u8>| *there == section.body || known.as_ref().is_some_and(|known| known.wrote(there));
            match &there {
                Some(there) if self.policy == Policy::Keep && !ours(there) => {
                    self.applied.kept.push(format!("{said}: you changed it since it was installed"));
                    continue;
                }
                None if self.stands_unmarked(section, known.as_ref()) => {
                    self.applied.kept.push(format!("{said}: its AAM markers are gone, so its text is yours"));
                    continue;
                }
                _ => {}
            }
            let known = known.map(|known| known.before).filter(|_| there.is_some());
            let mut before = known.unwrap_or_else(|| markers.guess_before(self.text).to_owned());
            if there.as_ref() != Some(&section.body) {
                match markers.put(self.text, &section.body) {
                    Ok(Some(put)) => put.clone_into(&mut before),
                    Ok(None) => {}
                    Err(broken) => {
                        self.applied.kept.push(format!("{said}: it {}", broken.as_str()));
                        continue;
                    }
                }
                self.applied.written.push(said);
            }
            self.file.sections.insert(id.clone(), section_record(section, before));
        }
    }

    /// Whether a person took the markers away and left the text: putting it in would double it.
    fn stands_unmarked(&self, section: &PlannedSection, known: Option<&SectionRecord>) -> bool {
        section::holds_body(self.text, &section.body)
            || known.is_some_and(|known| section::holds_line(self.text, &known.first))
    }
}

pub(super) fn section_record(planned: &PlannedSection, before: String) -> SectionRecord {
    SectionRecord {
        package: Text(planned.package.clone()),
        sha256: Text(Sha256Digest::of(&planned.body)),
        next: None,
        before,
        first: section::first_line(&planned.body),
    }
}

/// What lies at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Present {
    Nothing,
    File(Sha256Digest),
    Folder,
    Link,
    /// What is no file at all: never written by us.
    Other,
}

pub(super) fn present(roots: &Roots, place: &Place) -> Result<Present> {
    Ok(match roots.look(place)? {
        Entry::Nothing => Present::Nothing,
        Entry::Folder => Present::Folder,
        Entry::Link => Present::Link,
        Entry::Other => Present::Other,
        Entry::File => roots.read(place)?.map_or(Present::Nothing, |bytes| Present::File(Sha256Digest::of(&bytes))),
    })
}

/// Remembers the folders that writing `place` will make.
fn note_folders(roots: &Roots, record: &mut Record, place: &Place) -> Result<()> {
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
