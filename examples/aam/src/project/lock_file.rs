//! `.aam/aam-lock.yaml`: which version of what is installed, and who asked for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use aam_registry_core::types::{PackageName, Selector, Sha256Digest, Version};
use serde::{Deserialize, Serialize};

use crate::{
    config::RegistryUrl,
    confined::Mode,
    deploy::Platform,
    failure::{Failure, Kind, Result},
    output::Output,
    project::{Project, lock_merge::Sides},
    text::Text,
    yaml,
};

const FORMAT: u32 = 1;
/// The most bytes of a lock file: those of far more packages than any project has.
const MOST: u64 = 16 << 20;
const HEAD: &str = "\
# Written by aam: what is installed here. Commit it; `aam install --locked` installs exactly this again.
";

/// The packages of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockFile {
    lockfile_version: u32,
    #[serde(default)]
    pub(crate) packages: BTreeMap<Text<PackageName>, LockedPackage>,
}

/// One package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockedPackage {
    pub(crate) version: Text<Version>,
    /// The address it comes from.
    pub(crate) registry: Text<RegistryUrl>,
    /// Of its archive.
    pub(crate) sha256: Text<Sha256Digest>,
    /// Of its archive, in bytes.
    pub(crate) size: u64,
    /// What a person asked for; `None` where only other packages need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requested: Option<String>,
    /// What it is installed for.
    pub(crate) platforms: BTreeSet<Text<Platform>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) dependencies: BTreeMap<Text<PackageName>, String>,
}

impl Default for LockFile {
    fn default() -> Self {
        Self { lockfile_version: FORMAT, packages: BTreeMap::new() }
    }
}

impl LockedPackage {
    /// What a person asked for.
    pub(crate) fn selector(&self) -> Option<Selector> {
        self.requested.as_deref().and_then(|text| text.parse().ok())
    }
}

impl LockFile {
    /// Reads the lock file of a project, to work on it; `None` where it has
    /// none. Where a merge left conflicts in it, it is what is on either side,
    /// said to `out`.
    ///
    /// # Errors
    /// Among others where the two sides of a merge cannot go together.
    pub(crate) fn read(project: &Project, out: Output) -> Result<Option<Self>> {
        Self::read_by(project, |path, sides| {
            let merged = sides.merged(path)?;
            out.note(&format!("{} is in the middle of a merge; both of its sides are taken together", path.display()));
            Ok(merged)
        })
    }

    /// As [`Self::read`], to show it: where two sides of a merge cannot go together it is that of this branch.
    pub(crate) fn read_to_show(project: &Project, out: Output) -> Result<Option<Self>> {
        Self::read_by(project, |path, Sides { ours, .. }| {
            out.warn(&format!("{} is in the middle of a merge; this is what this branch has", path.display()));
            Ok(ours)
        })
    }

    /// As [`Self::read`], to install exactly what it says: one in the middle of a merge says nothing.
    pub(crate) fn read_exactly(project: &Project) -> Result<Option<Self>> {
        Self::read_by(project, |path, _| {
            let message = format!("{} is in the middle of a merge, so it does not say what to install", path.display());
            Err(Failure::new(Kind::Conflict, yaml::MERGE_CONFLICT, message)
                .hint("run `aam install` without --locked, which takes both sides together, and commit the result"))
        })
    }

    /// Reads the lock file; `choose` makes one of it where it is in the middle of a merge.
    fn read_by(project: &Project, choose: impl FnOnce(&Path, Sides) -> Result<Self>) -> Result<Option<Self>> {
        let path = project.shown(&project.lock_file());
        let read = project.folder().read_at_most(&project.lock_file(), MOST);
        let read = read.map_err(|failure| match &*failure.code {
            "invalid_file" => failure.hint(restore(&path)),
            _ => failure,
        });
        let Some(bytes) = read? else { return Ok(None) };
        let lock = match std::str::from_utf8(&bytes) {
            Ok(text) if yaml::conflict(text).is_some() => {
                let Sides { ours, theirs } = Sides::read(&path, text)?;
                let sides = Sides { ours: ours.checked(&path)?, theirs: theirs.checked(&path)? };
                choose(&path, sides)?
            }
            _ => yaml::parse::<Self>(&path, &bytes).map_err(|failure| failure.or_hint(restore(&path)))?,
        };
        lock.checked(&path).map(Some).map_err(|failure| failure.or_hint(restore(&path)))
    }

    /// Refuses another format, and what was asked for in words that nobody understands.
    fn checked(self, path: &Path) -> Result<Self> {
        if self.lockfile_version != FORMAT {
            return Err(Failure::new(
                Kind::Usage,
                "invalid_file",
                format!("{} has format {}, which this aam does not know", path.display(), self.lockfile_version),
            )
            .hint("update aam"));
        }
        let strange = self.requested().find(|(_, package)| package.selector().is_none());
        match strange.map(|(name, _)| name.clone()) {
            None => Ok(self),
            Some(name) => Err(Failure::new(
                Kind::Usage,
                "invalid_file",
                format!(
                    "{} is not valid: what is requested of {name} is no version, tag or constraint",
                    path.display()
                ),
            )),
        }
    }

    /// Writes it.
    pub(crate) fn write(&self, project: &Project) -> Result<()> {
        yaml::write_in(project.folder(), &project.lock_file(), HEAD, self, Mode::Plain)
    }

    /// The package called `name`.
    pub(crate) fn get(&self, name: &PackageName) -> Option<&LockedPackage> {
        self.packages.get(&Text(name.clone()))
    }

    /// The packages that a person asked for.
    pub(crate) fn requested(&self) -> impl Iterator<Item = (&PackageName, &LockedPackage)> {
        self.packages
            .iter()
            .filter(|(_, package)| package.requested.is_some())
            .map(|(name, package)| (&name.0, package))
    }

    /// The packages that need `name`.
    pub(crate) fn dependents(&self, name: &PackageName) -> Vec<&PackageName> {
        let needs = |package: &LockedPackage| package.dependencies.contains_key(&Text(name.clone()));
        self.packages.iter().filter(|(_, package)| needs(package)).map(|(name, _)| &name.0).collect()
    }

    /// Every platform that something is installed for.
    pub(crate) fn platforms(&self) -> BTreeSet<Platform> {
        self.packages.values().flat_map(|package| &package.platforms).map(|platform| platform.0).collect()
    }

    /// Drops what nobody asked for and nothing needs, and installs what is
    /// needed for every platform that it is needed on.
    pub(crate) fn settle(&mut self) {
        let mut reached: BTreeMap<Text<PackageName>, BTreeSet<Text<Platform>>> = BTreeMap::new();
        let mut open: Vec<_> =
            self.requested().map(|(name, package)| (Text(name.clone()), package.platforms.clone())).collect();
        while let Some((name, platforms)) = open.pop() {
            let Some(package) = self.packages.get(&name) else { continue };
            let known = reached.contains_key(&name);
            let have = reached.entry(name).or_default();
            let before = have.len();
            have.extend(platforms);
            if !known || have.len() > before {
                let platforms = have.clone();
                open.extend(package.dependencies.keys().map(|name| (name.clone(), platforms.clone())));
            }
        }
        self.packages.retain(|name, _| reached.contains_key(name));
        for (name, package) in &mut self.packages {
            package.platforms = reached.remove(name).unwrap_or_default();
        }
    }
}

/// How to come by a lock file that can be read.
fn restore(path: &Path) -> String {
    let shown = path.display();
    format!("take it from version control again, as with `git checkout {shown}`, or remove it and install again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(requested: Option<&str>, platforms: &[Platform], needs: &[&str]) -> LockedPackage {
        LockedPackage {
            version: Text("1.0.0".parse().expect("version")),
            registry: Text(RegistryUrl::local()),
            sha256: Text(Sha256Digest::of(b"")),
            size: 0,
            requested: requested.map(str::to_owned),
            platforms: platforms.iter().copied().map(Text).collect(),
            dependencies: needs.iter().map(|name| (Text(name.parse().expect("name")), "*".to_owned())).collect(),
        }
    }

    fn lock(packages: &[(&str, LockedPackage)]) -> LockFile {
        let packages = packages.iter().map(|(name, package)| (Text(name.parse().expect("name")), package.clone()));
        LockFile { packages: packages.collect(), ..LockFile::default() }
    }

    #[test]
    fn what_nobody_needs_goes_and_platforms_spread() {
        let mut lock = lock(&[
            ("a", package(Some("latest"), &[Platform::Claude], &["b"])),
            ("b", package(None, &[], &["c"])),
            ("c", package(Some("^1"), &[Platform::Cursor], &["b"])),
            ("d", package(None, &[Platform::Claude], &["a"])),
        ]);
        lock.settle();
        let names: Vec<_> = lock.packages.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let both = BTreeSet::from([Text(Platform::Claude), Text(Platform::Cursor)]);
        let b: PackageName = "b".parse().expect("name");
        assert_eq!(lock.get(&b).expect("kept").platforms, both);
        let a: PackageName = "a".parse().expect("name");
        assert_eq!(lock.get(&a).expect("kept").platforms, BTreeSet::from([Text(Platform::Claude)]));
    }

    #[test]
    fn a_lock_file_survives_its_yaml() {
        let lock = lock(&[("@my_org/a", package(Some(">=1.0,<2"), &[Platform::Codex], &["b"]))]);
        let text = serde_saphyr::to_string(&lock).expect("yaml");
        assert_eq!(serde_saphyr::from_str::<LockFile>(&text).expect("lock file"), lock, "{text}");
    }
}
