//! Finds out which files of a project were written by an install that is not on
//! record here: in another copy of the repository, on another machine, by an
//! earlier aam. Files that equal those of the verified packages are ours; all others
//! belong to the user.

use aam_registry_core::types::Sha256Digest;

use super::{
    apply_sections::section_record,
    earlier::Earlier,
    place::{Place, PlaceKey},
    plan::{Plan, PlannedSection},
    present::{Present, present},
    record::{FileRecord, Record, SectionedFile},
    roots::Roots,
    section::{self, Markers},
};
use crate::{
    failure::{Failure, Result},
    text::Text,
};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    /// Where an earlier aam put files that have another place now.
    pub(crate) moved: Vec<String>,
    /// Places with other contents than the packages have.
    pub(crate) foreign: Vec<String>,
    /// Files of the user's that an earlier aam wrote for all projects.
    pub(crate) of_user: Vec<String>,
}

/// Puts on record what `before` and `earlier` say was written and what still
/// stands there unchanged. `after` is what shall stand there.
pub(crate) fn adopt(
    roots: &Roots,
    record: &mut Record,
    before: &Plan,
    earlier: &Earlier,
    after: &Plan,
) -> Result<Adopted> {
    let mut adopted = Adopted::default();
    let now = before.files.iter().map(|(place, file)| (place, &file.package, file.sha256));
    let then = earlier.files.iter().map(|(place, (package, sha256))| (place, package, *sha256));
    for (place, package, sha256) in now.chain(then) {
        if record.file(place).is_some() {
            continue;
        }
        let wanted = after.files.contains_key(place) || before.files.contains_key(place);
        match seen(present(roots, place))? {
            Present::File(found) if found == sha256 => {
                record.put_file(place, FileRecord::new(package, sha256));
                add_folders(record, place);
                if !wanted {
                    adopted.moved.push(place.to_string());
                }
            }
            Present::Nothing | Present::Folder => {}
            // It may still equal what the other aam wrote.
            _ if earlier.files.contains_key(place) && before.files.contains_key(place) => {}
            _ if !after.files.contains_key(place) => adopted.foreign.push(place.to_string()),
            _ => {}
        }
    }
    for sections in [&before.sections, &earlier.sections] {
        for (place, sections) in sections {
            for (id, planned) in sections {
                let wanted = [after, before].iter().any(|plan| has(plan, place, id));
                let planned_after = has(after, place, id);
                match adopt_section(roots, record, place, id, planned)? {
                    Found::Ours if !wanted => adopted.moved.push(format!("{place}, {id}")),
                    Found::Other if !planned_after => adopted.foreign.push(format!("{place}, {id}")),
                    _ => {}
                }
            }
        }
    }
    for (place, sha256) in &earlier.of_user {
        if matches!(seen(present(roots, place))?, Present::File(found) if found == *sha256) {
            adopted.of_user.push(place.to_string());
        }
    }
    adopted.foreign.sort();
    adopted.foreign.dedup();
    Ok(adopted)
}

fn has(plan: &Plan, place: &Place, id: &str) -> bool {
    plan.sections.get(place).is_some_and(|sections| sections.contains_key(id))
}

/// Behind a link lies nothing of ours.
fn seen(there: Result<Present>) -> Result<Present> {
    match there {
        Err(Failure { code, .. }) if matches!(&*code, "link_in_the_way" | "files_in_the_way") => Ok(Present::Nothing),
        there => there,
    }
}

enum Found {
    Nothing,
    Ours,
    Other,
}

fn adopt_section(
    roots: &Roots,
    record: &mut Record,
    place: &Place,
    id: &str,
    planned: &PlannedSection,
) -> Result<Found> {
    if record.section(place, id).is_some() {
        return Ok(Found::Nothing);
    }
    let text = match roots.read(place) {
        Err(failure) if &*failure.code == "link_in_the_way" => return Ok(Found::Nothing),
        text => text?,
    };
    let Some(text) = text else { return Ok(Found::Nothing) };
    let markers = Markers::new(id);
    match markers.body(&text) {
        Ok(None) => Ok(Found::Nothing),
        Ok(Some(body)) if Sha256Digest::of(&body) == Sha256Digest::of(&planned.body) => {
            let before = markers.guess_before(&text).to_owned();
            let created = section::only_sections(&text);
            let file = record.sections.entry(Text(PlaceKey(place.clone())));
            let file = file.or_insert_with(|| SectionedFile { created, ..SectionedFile::default() });
            file.sections.insert(id.to_owned(), section_record(planned, before));
            Ok(Found::Ours)
        }
        _ => Ok(Found::Other),
    }
}

/// The folders that git makes for its files go with the last of them.
fn add_folders(record: &mut Record, place: &Place) {
    record.folders.extend(place.folders().map(|folder| Text(PlaceKey(folder))));
}
