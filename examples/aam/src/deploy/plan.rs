//! What should stand where, from the installed packages: the same packages and
//! platforms make the same plan, whatever was installed before, but for what
//! would be mixed with files of a person.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    rc::Rc,
};

use aam_registry_core::types::{Artifact, ArtifactType, PackageName, Sha256Digest};

use super::{
    claims::{artifacts, claim, claims, collision, place, section_id},
    document::Document,
    front_matter,
    limits::{Refusal, Rendered},
    losses::Losses,
    naming::{Named, Standing},
    place::Place,
    platform::{Platform, Scope},
    plugin_variables::plugin_variable,
    powers, prompt_syntax,
    record::Record,
    roots::Roots,
    rules::{Form, Target},
    section, skill,
    source::{Package, Source},
};
use crate::failure::{Failure, Result};

/// A package and the platforms it is for.
#[derive(Debug)]
pub(crate) struct Deployable {
    pub(crate) package: Rc<Package>,
    pub(crate) platforms: BTreeSet<Platform>,
}

/// What to say of an artifact that names a variable of plugins.
fn leads_nowhere(kind: ArtifactType, artifact: &Artifact, owner: &PackageName, variable: &str) -> String {
    let (kind, name) = (kind.as_str(), &artifact.name);
    format!(
        "the {kind} {name} of {owner} names `{variable}`, which tools set for plugins only, so it leads nowhere here"
    )
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

/// Which package goes where.
#[derive(Clone, Copy, Debug)]
struct Deployed<'a> {
    package: &'a Rc<Package>,
    platform: Platform,
    target: &'a Target,
}

/// What became of an artifact that was added.
#[derive(Debug, Default)]
struct Added {
    lost: Vec<String>,
    /// What other tools fill in and the platform reads as text.
    as_text: Vec<String>,
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

impl PlannedFile {
    /// What kind of artifact it is of.
    pub(super) fn kind(&self) -> ArtifactType {
        self.artifact.0
    }
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

/// Plans where `packages` go, where `record` says what was written so far.
pub(crate) fn plan(packages: &[Deployable], scope: Scope, roots: &Roots, record: &Record) -> Result<Plan> {
    let claims = claims(packages, scope)?;
    let mut plan = Plan::default();
    let mut losses = Losses::default();
    let standing = Standing { roots, record };
    for deployable in packages {
        for (platform, kind, artifact) in artifacts(deployable) {
            let target = platform.targets(scope).of(kind);
            let owner = &deployable.package.manifest.name;
            let none = BTreeSet::new();
            let claim = claim(target, kind, &artifact.name)?;
            let claimants = claim.as_ref().and_then(|claim| claims.get(claim)).unwrap_or(&none);
            let Named { name, remark } = standing.name(owner, (kind, artifact), target, claimants)?;
            plan.remarks.extend(remark);
            let deployed = Deployed { package: &deployable.package, platform, target };
            let added = plan.add(deployed, kind, artifact, &name, roots)?;
            match added {
                Ok(Added { lost, as_text, powers }) => {
                    losses.note(platform, kind, owner, &artifact.name, (lost, as_text));
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

impl Plan {
    /// Adds one artifact; says what of it is lost, or why it is not deployed.
    fn add(
        &mut self,
        deployed: Deployed<'_>,
        kind: ArtifactType,
        artifact: &Artifact,
        name: &str,
        roots: &Roots,
    ) -> Result<Result<Added, Refusal>> {
        let Deployed { package, platform, target } = deployed;
        let owner = &package.manifest.name;
        let mut rendered = |form: Form| -> Result<Result<(Vec<u8>, Added), Refusal>> {
            let mut document = Document::read(&**package, kind, artifact)?;
            name.clone_into(&mut document.name);
            if let Some((_, variable)) = plugin_variable(document.body.as_bytes()) {
                self.remarks.insert(leads_nowhere(kind, artifact, owner, variable));
            }
            Ok(form.of(&document).map(|Rendered { bytes, lost, as_text, commands }| {
                let mut powers = powers::of(&document.head, &lost);
                powers.extend(powers::commands(&commands));
                (bytes, Added { lost, as_text, powers })
            }))
        };
        match target {
            Target::Nowhere(why) => Ok(Err(Refusal((*why).to_owned()))),
            Target::Folder { .. } => {
                let place = place(target, name)?;
                Ok(Ok(self.add_folder(package, kind, artifact, name, &place, platform)?))
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
                if section::marker_line(&bytes).is_some() {
                    let source = package.read(&artifact.path)?.unwrap_or_default();
                    let line = section::marker_line(&source).map(|line| format!(" (line {line})")).unwrap_or_default();
                    return Err(Failure::invalid(format!(
                        "The {} {} of {owner} cannot be put into {place}, and nothing was installed: {}{line} holds \
                         `<!-- BEGIN AAM:` or `<!-- END AAM:`, with which aam marks its sections in that file",
                        kind.as_str(),
                        artifact.name,
                        artifact.path
                    ))
                    .hint(
                        "tell its author, whose `aam pkg validate` names the line; or install the package with \
                         --platform for tools that keep instructions in files of their own, such as claude or cursor",
                    ));
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
        platform: Platform,
    ) -> Result<Added> {
        let owner = &package.manifest.name;
        let mut added = Added::default();
        for (full, inner, file) in package.skill(&artifact.path) {
            let place = place.join(inner)?;
            if inner == "SKILL.md" {
                let bytes = package.read(full)?.unwrap_or_default();
                if let Some(why) = skill::trouble(&bytes) {
                    let what = &artifact.name;
                    self.remarks.insert(format!("the skill {what} of {owner} may not load: its SKILL.md {why}"));
                }
                let text = String::from_utf8_lossy(&bytes);
                if let Some((_, variable)) = plugin_variable(&bytes) {
                    self.remarks.insert(leads_nowhere(kind, artifact, owner, variable));
                }
                let (head, body) = front_matter::split_head(&text);
                added.powers = powers::of(&head, &[]);
                let (forms, commands) = prompt_syntax::of_skill(body);
                if platform == Platform::Claude {
                    added.powers.extend(powers::commands(&commands));
                } else {
                    added.as_text = forms;
                }
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
        Ok(added)
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
