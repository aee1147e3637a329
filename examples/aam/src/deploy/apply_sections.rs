//! Bringing sections of files that a person writes too to what is planned.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::Sha256Digest;

use super::{
    apply::{Applied, Policy, note_folders},
    place::{Place, PlaceKey},
    plan::{Plan, PlannedSection},
    record::{Others, Record, SectionRecord, SectionedFile},
    roots::Roots,
    section::{self, Markers},
};
use crate::{confined::Mode, failure::Result, text::Text};

/// Writes the sections of `plan`, removes those that were written before and are planned no more.
pub(super) fn apply_sections(
    roots: &Roots,
    record: &mut Record,
    plan: &Plan,
    policy: &Policy,
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
        if !before.as_deref().is_none_or(section::takes_sections) {
            applied.kept.push(format!("{place}: it is not UTF-8, so no section of it can be told; save it as UTF-8"));
            continue;
        }
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
    policy: &'a Policy,
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
                Ok(Some(there)) if self.policy.forces(&ours.package, false) || ours.wrote(&there) => {
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
            let changes = known.as_ref().is_none_or(|known| known.changes_to(&section.body));
            let is_forced = self.policy.forces(&section.package, changes);
            match &there {
                Some(there) if !is_forced && !ours(there) => {
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
