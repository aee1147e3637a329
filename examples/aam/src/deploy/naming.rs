//! The names that artifacts have had so far, and what became of them.

use std::collections::BTreeSet;

use aam_registry_core::types::{Artifact, ArtifactType, PackageName};

use super::{
    claims::{Claimant, name, place, rivals, section_id},
    record::Record,
    roots::Roots,
    rules::Target,
    section::Markers,
};
use crate::{confined::Entry, failure::Result};

/// The name of an artifact where it is deployed, and what to say of it.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) remark: Option<String>,
}

/// What there is already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    pub(super) roots: &'a Roots,
    pub(super) record: &'a Record,
}

impl Standing<'_> {
    /// Names an artifact. One that has the name of its package in its own stays so while something of a person's stands
    /// where it would go without: their files and those of the package would be one artifact.
    pub(super) fn name(
        self,
        owner: &PackageName,
        (kind, artifact): (ArtifactType, &Artifact),
        target: &Target,
        claimants: &BTreeSet<Claimant>,
    ) -> Result<Named> {
        let wanted = name(owner, kind, artifact, claimants, false);
        if matches!(target, Target::Nowhere(_)) {
            return Ok(Named { name: wanted, remark: None });
        }
        let apart = name(owner, kind, artifact, claimants, true);
        let what = || format!("the {} {} of {owner}", kind.as_str(), artifact.name);
        let stood_at = |name: &str| {
            let place = place(target, name)?;
            Result::<bool>::Ok(self.record.holds(owner, &place, &section_id(kind, name)))
        };
        if wanted == apart {
            let rivals: BTreeSet<_> = rivals(owner, claimants).map(PackageName::as_str).collect();
            let alone = self::name(owner, kind, artifact, &of_owner(owner, claimants), false);
            let is_renamed = alone != apart && stood_at(&alone)? && !stood_at(&apart)?;
            let remark = is_renamed.then(|| {
                let rivals: Vec<_> = rivals.into_iter().collect();
                let has = if rivals.len() == 1 { "has" } else { "have" };
                format!("{} is now called {apart}, because {} {has} one too", what(), rivals.join(", "))
            });
            return Ok(Named { name: apart, remark });
        }
        if !stood_at(&apart)? || stood_at(&wanted)? {
            return Ok(Named { name: wanted, remark: None });
        }
        if self.is_taken(target, kind, &wanted)? {
            let remark = format!("{} stays {apart}, because {} is yours", what(), place(target, &wanted)?);
            return Ok(Named { name: apart, remark: Some(remark) });
        }
        let remark = format!("{} is called {wanted} again", what());
        Ok(Named { name: wanted, remark: Some(remark) })
    }

    /// Whether something that we did not write stands where an artifact called `name` would go.
    fn is_taken(self, target: &Target, kind: ArtifactType, name: &str) -> Result<bool> {
        let place = place(target, name)?;
        Ok(match target {
            Target::Nowhere(_) => false,
            Target::Section { .. } => {
                let id = section_id(kind, name);
                let text = self.roots.read(&place).ok().flatten().unwrap_or_default();
                self.record.section(&place, &id).is_none() && !matches!(Markers::new(&id).body(&text), Ok(None))
            }
            Target::File { .. } => {
                self.record.file(&place).is_none() && !matches!(self.roots.look(&place), Ok(Entry::Nothing))
            }
            Target::Folder { .. } | Target::Skill { .. } => match self.roots.look(&place) {
                Ok(Entry::Nothing) => false,
                // What cannot be listed holds something that we did not write, such as a link.
                Ok(Entry::Folder) => self.roots.files(&place).map_or(true, |files| {
                    files.iter().any(|file| place.join(file).is_ok_and(|file| self.record.file(&file).is_none()))
                }),
                _ => true,
            },
        })
    }
}

fn of_owner(owner: &PackageName, claimants: &BTreeSet<Claimant>) -> BTreeSet<Claimant> {
    claimants.iter().filter(|(package, ..)| package == owner).cloned().collect()
}
