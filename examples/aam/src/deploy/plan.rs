//! What should stand where, from the installed packages alone: the same
//! packages and platforms make the same plan, whatever was installed before.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    rc::Rc,
};

use aam_registry_core::types::{Artifact, ArtifactType, PackageName, Sha256Digest};

use super::{
    document::Document,
    front_matter,
    limits::{Refusal, Rendered},
    place::Place,
    platform::{Platform, Scope},
    powers,
    roots::{Base, Roots},
    rules::{Form, Target},
    section, skill,
    source::{Package, Source},
};
use crate::failure::{Detail, Failure, Kind, Result};

/// A package and the platforms it is for.
#[derive(Debug)]
pub(crate) struct Deployable {
    pub(crate) package: Rc<Package>,
    pub(crate) platforms: BTreeSet<Platform>,
}

/// Files and sections to be.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) files: BTreeMap<Place, PlannedFile>,
    /// By file, then by what the markers say.
    pub(super) sections: BTreeMap<Place, BTreeMap<String, PlannedSection>>,
    /// What platforms cannot take, and what they take without a part of it: one line each.
    pub(crate) remarks: BTreeSet<String>,
    /// What of each package runs commands or lifts restrictions.
    pub(crate) powers: BTreeMap<PackageName, BTreeSet<String>>,
}

/// What became of an artifact that was added.
#[derive(Debug, Default)]
struct Added {
    lost: Vec<String>,
    powers: Vec<String>,
}

/// One file to be.
#[derive(Debug)]
pub(super) struct PlannedFile {
    pub(super) package: PackageName,
    /// The artifact it is of; platforms that read the same folder share it.
    artifact: (ArtifactType, String),
    pub(super) contents: Contents,
    pub(super) sha256: Sha256Digest,
    pub(super) executable: bool,
}

/// Where the contents of a file come from.
#[derive(Debug)]
pub(super) enum Contents {
    /// A file of the unpacked package.
    Copy(Rc<Package>, String),
    Bytes(Vec<u8>),
}

impl Contents {
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Copy(package, path) => Ok(package.read(path)?.unwrap_or_default()),
        }
    }
}

/// One section to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlannedSection {
    pub(super) package: PackageName,
    pub(super) body: Vec<u8>,
}

/// Whose artifact wants a target.
type Claimant = (PackageName, ArtifactType, String);

/// Plans where `packages` go.
pub(crate) fn plan(packages: &[Deployable], scope: Scope, roots: &Roots) -> Result<Plan> {
    let claims = claims(packages, scope)?;
    let mut plan = Plan::default();
    let mut losses = Losses::default();
    for deployable in packages {
        for (platform, kind, artifact) in artifacts(deployable) {
            let target = platform.targets(scope).of(kind);
            let owner = &deployable.package.manifest.name;
            let none = BTreeSet::new();
            let claim = claim(target, kind, &artifact.name)?;
            let claimants = claim.as_ref().and_then(|claim| claims.get(claim)).unwrap_or(&none);
            let name = name(owner, kind, artifact, claimants);
            let added = plan.add(deployable, target, kind, artifact, &name, roots)?;
            match added {
                Ok(Added { lost, powers }) => {
                    losses.note(platform, kind, owner, &artifact.name, lost);
                    let told = powers.iter().map(|power| format!("the {} {} {power}", kind.as_str(), artifact.name));
                    plan.powers.entry(owner.clone()).or_default().extend(told);
                }
                Err(Refusal(why)) => {
                    let what = format!("{} {} of {owner}", kind.as_str(), artifact.name);
                    plan.remarks.insert(format!("{platform}: the {what} is not installed: {why}"));
                }
            }
        }
    }
    plan.remarks.extend(losses.lines());
    plan.unique()
}

/// The artifacts that a platform takes without a part of their front matter, by what they lose.
#[derive(Debug, Default)]
struct Losses<'a>(BTreeMap<(Platform, ArtifactType, &'a PackageName, Vec<String>), BTreeSet<&'a str>>);

impl<'a> Losses<'a> {
    fn note(
        &mut self,
        platform: Platform,
        kind: ArtifactType,
        owner: &'a PackageName,
        artifact: &'a str,
        mut lost: Vec<String>,
    ) {
        if !lost.is_empty() {
            lost.sort();
            self.0.entry((platform, kind, owner, lost)).or_default().insert(artifact);
        }
    }

    /// One line for those that lose the same.
    fn lines(self) -> impl Iterator<Item = String> {
        const NAMED: usize = 3;
        self.0.into_iter().map(|((platform, kind, owner, lost), artifacts)| {
            let keys: Vec<_> = lost.iter().map(|key| format!("`{key}`")).collect();
            let keys = keys.join(", ");
            let named: Vec<_> = artifacts.iter().take(NAMED).copied().collect();
            let (named, all) = (named.join(", "), artifacts.len());
            let kind = kind.as_str();
            match all {
                1 => format!("{platform}: the {kind} {named} of {owner} goes without {keys}"),
                2..=NAMED => format!("{platform}: the {kind}s {named} of {owner} go without {keys}"),
                _ => format!("{platform}: {all} {kind}s of {owner} ({named} and others) go without {keys}"),
            }
        })
    }
}

fn artifacts(deployable: &Deployable) -> impl Iterator<Item = (Platform, ArtifactType, &Artifact)> {
    deployable.platforms.iter().flat_map(|platform| {
        deployable.package.manifest.artifacts.iter().map(|(kind, artifact)| (*platform, kind, artifact))
    })
}

/// Who wants each target, by their artifacts' own names.
fn claims(packages: &[Deployable], scope: Scope) -> Result<BTreeMap<String, BTreeSet<Claimant>>> {
    let mut claims: BTreeMap<String, BTreeSet<Claimant>> = BTreeMap::new();
    for deployable in packages {
        for (platform, kind, artifact) in artifacts(deployable) {
            if let Some(claim) = claim(platform.targets(scope).of(kind), kind, &artifact.name)? {
                let claimant = (deployable.package.manifest.name.clone(), kind, artifact.name.clone());
                claims.entry(claim).or_default().insert(claimant);
            }
        }
    }
    Ok(claims)
}

/// What an artifact is called where it is deployed: by its own name; with that
/// of its package where another package has one of that name; with its type
/// where its package has another artifact of that name there.
fn name(owner: &PackageName, kind: ArtifactType, artifact: &Artifact, claimants: &BTreeSet<Claimant>) -> String {
    let kinds: BTreeSet<_> =
        claimants.iter().filter(|(package, ..)| package == owner).map(|(_, kind, _)| *kind).collect();
    let plain = if kinds.contains(&ArtifactType::Skill) { Some(&ArtifactType::Skill) } else { kinds.first() };
    let own = match plain {
        Some(plain) if *plain != kind => format!("{}-{}", artifact.name, kind.as_str()),
        _ => artifact.name.clone(),
    };
    let others = claimants.iter().any(|(package, ..)| package != owner);
    fitting(if others { format!("{}--{own}", owner.fs_name()) } else { own })
}

/// A name of at most 64 characters, since tools leave out skills with longer
/// ones: its beginning, and what tells it apart from others that begin alike.
fn fitting(name: String) -> String {
    const MOST: usize = 64;
    if name.chars().count() <= MOST {
        return name;
    }
    let digest = Sha256Digest::of(name.as_bytes()).to_string();
    let begin: String = name.chars().take(MOST - 9).collect();
    format!("{}-{}", begin.trim_end_matches(['-', '_', '.']), &digest[..8])
}

/// What two artifacts must not both be, upper and lower case alike.
fn claim(target: &Target, kind: ArtifactType, name: &str) -> Result<Option<String>> {
    Ok(match target {
        Target::Section { base, file, .. } => {
            Some(format!("{base:?} {file}#{}", section_id(kind, name).to_lowercase()))
        }
        Target::Nowhere(_) => None,
        _ => Some(place(target, name)?.folded()),
    })
}

pub(super) fn section_id(kind: ArtifactType, name: &str) -> String {
    format!("{name} {}", kind.as_str())
}

fn place(target: &Target, name: &str) -> Result<Place> {
    match target {
        Target::Folder { base, folder } | Target::Skill { base, folder, .. } => base.place(&format!("{folder}/{name}")),
        Target::File { base, folder, suffix, .. } => base.place(&format!("{folder}/{name}{suffix}")),
        Target::Section { base, file, .. } => base.place(file),
        Target::Nowhere(_) => Base::Project.place(name),
    }
}

impl Plan {
    /// Adds one artifact; says what of it is lost, or why it is not deployed.
    fn add(
        &mut self,
        deployable: &Deployable,
        target: &Target,
        kind: ArtifactType,
        artifact: &Artifact,
        name: &str,
        roots: &Roots,
    ) -> Result<Result<Added, Refusal>> {
        let package = &deployable.package;
        let owner = &package.manifest.name;
        let rendered = |form: Form| -> Result<Result<(Vec<u8>, Added), Refusal>> {
            let mut document = Document::read(&**package, kind, artifact)?;
            name.clone_into(&mut document.name);
            Ok(form.of(&document).map(|Rendered { bytes, lost }| {
                let powers = powers::of(&document.head, &lost);
                (bytes, Added { lost, powers })
            }))
        };
        match target {
            Target::Nowhere(why) => Ok(Err(Refusal((*why).to_owned()))),
            Target::Folder { .. } => {
                let place = place(target, name)?;
                let powers = self.add_folder(package, kind, artifact, name, &place)?;
                Ok(Ok(Added { lost: Vec::new(), powers }))
            }
            Target::Skill { form, .. } | Target::File { form, .. } => {
                let mut place = place(target, name)?;
                if matches!(target, Target::Skill { .. }) {
                    place = place.join("SKILL.md")?;
                }
                let (bytes, added) = match rendered(*form)? {
                    Ok(rendered) => rendered,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                self.add_bytes(owner, kind, artifact, place, bytes)?;
                Ok(Ok(added))
            }
            Target::Section { form, .. } => {
                let place = place(target, name)?;
                let (bytes, added) = match rendered(*form)? {
                    Ok(rendered) => rendered,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                if section::holds_markers(&bytes) {
                    return Err(Failure::invalid(format!(
                        "The {} {} of {owner} holds AAM markers of its own; it cannot be put into {place}",
                        kind.as_str(),
                        artifact.name
                    )));
                }
                // Two names of one file, such as a link from GEMINI.md to AGENTS.md, get a section once.
                let sections = self.sections.entry(roots.instructions(place)?).or_default();
                let planned = PlannedSection { package: owner.clone(), body: section::closed(&bytes) };
                match sections.insert(section_id(kind, name), planned) {
                    Some(before) if before.package != *owner => {
                        Err(collision(&before.package, owner, &format!("the section {name}")))
                    }
                    _ => Ok(Ok(added)),
                }
            }
        }
    }

    /// The skill's folder as it is; tools look for a skill by the name of its folder and in it.
    fn add_folder(
        &mut self,
        package: &Rc<Package>,
        kind: ArtifactType,
        artifact: &Artifact,
        name: &str,
        place: &Place,
    ) -> Result<Vec<String>> {
        let owner = &package.manifest.name;
        let mut powers = Vec::new();
        for (full, inner, file) in package.skill(&artifact.path) {
            let place = place.join(inner)?;
            if inner == "SKILL.md" {
                let bytes = package.read(full)?.unwrap_or_default();
                if let Some(why) = skill::trouble(&bytes) {
                    let what = &artifact.name;
                    self.remarks.insert(format!("the skill {what} of {owner} may not load: its SKILL.md {why}"));
                }
                let text = String::from_utf8_lossy(&bytes);
                powers = powers::of(&front_matter::split_head(&text).0, &[]);
                if skill::is_called_otherwise(&bytes, name) {
                    self.add_bytes(owner, kind, artifact, place, skill::renamed(&bytes, name))?;
                    continue;
                }
            }
            let planned = PlannedFile {
                package: owner.clone(),
                artifact: (kind, artifact.name.clone()),
                contents: Contents::Copy(Rc::clone(package), full.to_owned()),
                sha256: file.sha256,
                executable: file.executable,
            };
            self.add_file(place, planned)?;
        }
        Ok(powers)
    }

    fn add_bytes(
        &mut self,
        owner: &PackageName,
        kind: ArtifactType,
        artifact: &Artifact,
        place: Place,
        bytes: Vec<u8>,
    ) -> Result<()> {
        let planned = PlannedFile {
            package: owner.clone(),
            artifact: (kind, artifact.name.clone()),
            sha256: Sha256Digest::of(&bytes),
            contents: Contents::Bytes(bytes),
            executable: false,
        };
        self.add_file(place, planned)
    }

    fn add_file(&mut self, place: Place, planned: PlannedFile) -> Result<()> {
        match self.files.entry(place) {
            Entry::Occupied(taken) => {
                let there = taken.get();
                let same = there.package == planned.package
                    && there.artifact == planned.artifact
                    && there.sha256 == planned.sha256;
                if same { Ok(()) } else { Err(collision(&there.package, &planned.package, &taken.key().to_string())) }
            }
            Entry::Vacant(free) => {
                free.insert(planned);
                Ok(())
            }
        }
    }

    /// Refuses files that are one on a file system that ignores case.
    fn unique(self) -> Result<Self> {
        let mut seen = BTreeMap::new();
        for (place, file) in &self.files {
            if let Some(other) = seen.insert(place.folded(), &file.package) {
                return Err(collision(other, &file.package, &place.to_string()));
            }
        }
        Ok(self)
    }
}

/// Two artifacts whose place is the same, such as that of `a--b` in `@s/p` and that of `b` in `@s/p--a`.
fn collision(one: &PackageName, other: &PackageName, what: &str) -> Failure {
    let both = [one, other].map(|package| Detail::new(package.as_str(), format!("wants {what}")));
    if one == other {
        return Failure::invalid(format!("{one} would write {what} twice; nothing was written"))
            .hint("tell its author: two of its artifacts have names that one tool takes for the same");
    }
    Failure::new(Kind::Conflict, "same_place", "Two packages would be written to the same place; nothing was written")
        .details(both.to_vec())
        .hint(format!(
            "install only one of them (`aam uninstall {one}` or `aam uninstall {other}`), or each for other tools with \
             --platform"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_names_stay_within_what_tools_read() {
        assert_eq!(fitting("acme--kit--review".to_owned()), "acme--kit--review");
        let long = |end: &str| fitting(format!("{}--{}--review-{end}", "s".repeat(40), "n".repeat(40)));
        assert!(long("a").len() <= 64 && long("a") != long("b") && long("a") == long("a"));
    }
}
