//! Bringing a project from what was written before to what is planned.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use aam_registry_core::types::Sha256Digest;
use serde::Serialize;

use super::{
    place::{Place, Roots},
    plan::{Contents, Plan, PlannedSection},
    record::{FileRecord, Record, SectionRecord, SectionedFile},
    section::{Markers, Unclosed},
};
use crate::{
    atomic_file::{self, Mode},
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
    /// Left alone since a person changed them.
    pub(crate) kept: Vec<String>,
}

/// Finds everything that stands in the way of `plan`, before anything is written.
pub(crate) fn check(roots: &Roots, record: &Record, plan: &Plan, policy: Policy) -> Result<()> {
    let mut conflicts = Vec::new();
    for folder in plan.files.keys().flat_map(Place::folders).collect::<BTreeSet<_>>() {
        let path = roots.path(&folder)?;
        if path.exists() && !path.is_dir() {
            conflicts.push(Detail::new(folder.to_string(), "is a file, where a folder is needed"));
        }
    }
    let unplaced = !conflicts.is_empty();
    for (place, file) in plan.files.iter().filter(|_| !unplaced) {
        let path = roots.path(place)?;
        let there = present(&path)?;
        let planned = digest(&file.contents)?;
        let ours = record.files.get(&Text(place.clone()));
        let why = match (there, ours) {
            (Present::Nothing, _) => continue,
            (Present::File(found), _) if found == planned => continue,
            (Present::File(found), Some(ours)) if found == *ours.sha256 => continue,
            (Present::Folder, _) => "is a folder",
            (_, Some(_)) => "was changed since it was installed",
            (_, None) => "was there before",
        };
        if policy == Policy::Keep || why == "is a folder" {
            conflicts.push(Detail::new(place.to_string(), why));
        }
    }
    for (place, sections) in &plan.sections {
        let text = read(&roots.path(place)?)?.unwrap_or_default();
        let known = record.sections.get(&Text(place.clone()));
        for (id, section) in sections {
            let there = Markers::new(id).body(&text).map_err(|Unclosed| unclosed(place, id))?;
            let ours = known.and_then(|file| file.sections.get(id));
            let changed = match (there, ours) {
                (Some(there), Some(ours)) => there != section.body && Sha256Digest::of(&there) != *ours.sha256,
                _ => false,
            };
            if changed && policy == Policy::Keep {
                conflicts.push(Detail::new(format!("{place}, {id}"), "was changed since it was installed"));
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Conflict, "files_in_the_way", "Files of yours are in the way; nothing was written")
        .details(conflicts)
        .hint("move them away, or replace them with --force"))
}

/// Puts the files that are planned and not there yet on record, for the case
/// that the process is killed between writing them and saying so.
pub(crate) fn announce(roots: &Roots, record: &mut Record, plan: &Plan) -> Result<()> {
    for (place, file) in &plan.files {
        let key = Text(place.clone());
        if !record.files.contains_key(&key) && matches!(present(&roots.path(place)?)?, Present::Nothing) {
            note_folders(roots, record, place)?;
            let sha256 = Text(digest(&file.contents)?);
            record.files.insert(key, FileRecord { package: Text(file.package.clone()), sha256 });
        }
    }
    Ok(())
}

/// Writes what is planned, removes what was written before and is planned no more.
pub(crate) fn apply(roots: &Roots, record: &mut Record, plan: &Plan, policy: Policy) -> Result<Applied> {
    let mut applied = Applied::default();
    remove_stale_files(roots, record, plan, policy, &mut applied)?;
    for (place, file) in &plan.files {
        let planned = digest(&file.contents)?;
        let path = roots.path(place)?;
        let known = record.files.get(&Text(place.clone()));
        match present(&path)? {
            // A file that happens to be the same is still its writer's; one of ours may have a stale digest.
            Present::File(found) if found == planned && known.is_none() => continue,
            Present::File(found) if found == planned => {}
            Present::File(found) if !ours(known, found) && policy == Policy::Keep => {
                applied.kept.push(place.to_string());
                continue;
            }
            Present::Folder | Present::Other if policy == Policy::Keep => {
                applied.kept.push(place.to_string());
                continue;
            }
            _ => {
                note_folders(roots, record, place)?;
                write(&path, &file.contents)?;
                applied.written.push(place.to_string());
            }
        }
        let entry = FileRecord { package: Text(file.package.clone()), sha256: Text(planned) };
        record.files.insert(Text(place.clone()), entry);
    }
    apply_sections(roots, record, plan, policy, &mut applied)?;
    remove_folders(roots, record)?;
    Ok(applied)
}

fn remove_stale_files(
    roots: &Roots,
    record: &mut Record,
    plan: &Plan,
    policy: Policy,
    applied: &mut Applied,
) -> Result<()> {
    let stale: Vec<_> = record.files.keys().filter(|place| !plan.files.contains_key(&place.0)).cloned().collect();
    for place in stale {
        let path = roots.path(&place)?;
        let ours = record.files.remove(&place);
        match present(&path)? {
            Present::Nothing => {}
            Present::File(found) if policy == Policy::Force || self::ours(ours.as_ref(), found) => {
                fs::remove_file(&path).map_err(|error| Failure::io("remove", &path, &error))?;
                applied.removed.push(place.to_string());
            }
            _ => applied.kept.push(place.to_string()),
        }
    }
    Ok(())
}

/// Whether a file with the digest `found` is as we wrote it.
fn ours(record: Option<&FileRecord>, found: Sha256Digest) -> bool {
    record.is_some_and(|record| *record.sha256 == found)
}

fn apply_sections(
    roots: &Roots,
    record: &mut Record,
    plan: &Plan,
    policy: Policy,
    applied: &mut Applied,
) -> Result<()> {
    let none = BTreeMap::new();
    let mut places: Vec<Place> = record.sections.keys().map(|place| place.0.clone()).collect();
    places.extend(plan.sections.keys().filter(|place| !record.sections.contains_key(&Text((*place).clone()))).cloned());
    for place in places {
        let planned = plan.sections.get(&place).unwrap_or(&none);
        let path = roots.path(&place)?;
        let before = read(&path)?;
        let known = record.sections.remove(&Text(place.clone()));
        let mut file = known.unwrap_or_else(|| SectionedFile { created: before.is_none(), ..SectionedFile::default() });
        let mut text = before.clone().unwrap_or_default();
        take_out(&place, &mut text, &mut file, planned, policy, applied)?;
        put_in(&place, &mut text, &mut file, planned, policy, applied)?;
        if file.sections.is_empty() && file.created && text.is_empty() {
            if before.is_some() {
                fs::remove_file(&path).map_err(|error| Failure::io("remove", &path, &error))?;
            }
        } else if before.as_ref() != Some(&text) && (before.is_some() || !text.is_empty()) {
            note_folders(roots, record, &place)?;
            atomic_file::write(&path, &text, Mode::Kept)?;
        }
        if !file.sections.is_empty() {
            record.sections.insert(Text(place), file);
        }
    }
    Ok(())
}

/// Removes the sections that are planned no more.
fn take_out(
    place: &Place,
    text: &mut Vec<u8>,
    file: &mut SectionedFile,
    planned: &BTreeMap<String, PlannedSection>,
    policy: Policy,
    applied: &mut Applied,
) -> Result<()> {
    let stale: Vec<_> = file.sections.keys().filter(|id| !planned.contains_key(*id)).cloned().collect();
    for id in stale {
        let Some(ours) = file.sections.remove(&id) else { continue };
        let markers = Markers::new(&id);
        let there = markers.body(text).map_err(|Unclosed| unclosed(place, &id))?;
        let said = format!("{place}, {id}");
        match there {
            None => {}
            Some(there) if policy == Policy::Force || Sha256Digest::of(&there) == *ours.sha256 => {
                markers.remove(text, &ours.before).map_err(|Unclosed| unclosed(place, &id))?;
                applied.removed.push(said);
            }
            Some(_) => applied.kept.push(said),
        }
    }
    Ok(())
}

/// Writes the sections that are planned.
fn put_in(
    place: &Place,
    text: &mut Vec<u8>,
    file: &mut SectionedFile,
    planned: &BTreeMap<String, PlannedSection>,
    policy: Policy,
    applied: &mut Applied,
) -> Result<()> {
    for (id, section) in planned {
        let markers = Markers::new(id);
        let there = markers.body(text).map_err(|Unclosed| unclosed(place, id))?;
        let known = file.sections.get(id);
        let changed = |there: &Vec<u8>| known.is_some_and(|known| Sha256Digest::of(there) != *known.sha256);
        if policy == Policy::Keep && there.as_ref().is_some_and(|there| *there != section.body && changed(there)) {
            applied.kept.push(format!("{place}, {id}"));
            continue;
        }
        let known = known.map(|known| known.before.clone());
        let mut before = known.unwrap_or_else(|| markers.guess_before(text).to_owned());
        if there.as_ref() != Some(&section.body) {
            if let Some(put) = markers.put(text, &section.body).map_err(|Unclosed| unclosed(place, id))? {
                put.clone_into(&mut before);
            }
            applied.written.push(format!("{place}, {id}"));
        }
        let sha256 = Text(Sha256Digest::of(&section.body));
        file.sections.insert(id.clone(), SectionRecord { package: Text(section.package.clone()), sha256, before });
    }
    Ok(())
}

fn unclosed(place: &Place, id: &str) -> Failure {
    Failure::new(
        Kind::Conflict,
        "unclosed_section",
        format!("{place} has `<!-- BEGIN AAM: {id} -->` without its END line"),
    )
    .hint("put the END line back, or remove the BEGIN line")
}

/// What lies at a path.
enum Present {
    Nothing,
    File(Sha256Digest),
    Folder,
    /// A symbolic link, or what is no file at all: never written by us.
    Other,
}

fn present(path: &Path) -> Result<Present> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_file() => {
            let bytes = fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
            Ok(Present::File(Sha256Digest::of(&bytes)))
        }
        Ok(data) if data.is_dir() => Ok(Present::Folder),
        Ok(_) => Ok(Present::Other),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Present::Nothing)
        }
        Err(error) => Err(Failure::io("look at", path, &error)),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", path, &error)),
    }
}

fn bytes(contents: &Contents) -> Result<Vec<u8>> {
    match contents {
        Contents::Bytes(bytes) => Ok(bytes.clone()),
        Contents::Copy(from) => fs::read(from).map_err(|error| Failure::io("read", from, &error)),
    }
}

fn digest(contents: &Contents) -> Result<Sha256Digest> {
    Ok(Sha256Digest::of(&bytes(contents)?))
}

fn write(path: &Path, contents: &Contents) -> Result<()> {
    let mode = match contents {
        Contents::Copy(from) if is_executable(from) => Mode::Executable,
        _ => Mode::Plain,
    };
    atomic_file::write(path, &bytes(contents)?, mode)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_path: &Path) -> bool {
    false
}

/// Remembers the folders that writing `place` will make.
fn note_folders(roots: &Roots, record: &mut Record, place: &Place) -> Result<()> {
    for folder in place.folders() {
        if roots.path(&folder)?.exists() {
            break;
        }
        record.folders.insert(Text(folder));
    }
    Ok(())
}

/// Removes the folders that we made and nobody uses, deepest first.
fn remove_folders(roots: &Roots, record: &mut Record) -> Result<()> {
    let mut folders: Vec<_> = record.folders.iter().cloned().collect();
    folders.sort_by_key(|place| std::cmp::Reverse(place.depth()));
    for place in folders {
        let path: PathBuf = roots.path(&place)?;
        // One that is not empty is in use, by us or by somebody.
        if fs::remove_dir(&path).is_ok() || !path.exists() {
            record.folders.remove(&place);
        }
    }
    Ok(())
}
