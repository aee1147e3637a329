//! What a folder holds that can be imported.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use aam_registry_core::{
    Error,
    archive::{ArchiveLimits, judge},
    types::{DistTag, PackageName, Sha256Digest, Version},
};

use crate::{
    assemble,
    file_registry::{
        EXTENSION, METADATA, PACKAGES, PackageDocument, REGISTRY, archive_file, digest_of, in_file_names,
        package_folder, read_document,
    },
};

/// The packages of a folder, by name, and the files that belong to none.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) packages: Vec<Package>,
    /// Archives that no package can be read from, and why.
    pub(super) strange: Vec<(PathBuf, String)>,
}

/// A package of the folder.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: PackageName,
    /// Its versions in the order in which they are published.
    pub(super) versions: Vec<SourceVersion>,
    /// The dist-tags other than `latest`.
    pub(super) tags: Vec<(DistTag, Version)>,
    /// Why it cannot be imported.
    pub(super) fault: Option<String>,
}

/// A version of the folder.
#[derive(Debug)]
pub(super) struct SourceVersion {
    pub(super) version: Version,
    pub(super) file: PathBuf,
    pub(super) sha256: Sha256Digest,
}

/// Reads the folder: a file registry, or any folder with archives. Calls `checked` for each archive.
pub(super) fn read(folder: &Path, limits: &ArchiveLimits, checked: impl Fn()) -> io::Result<Found> {
    let is_registry = folder.join(REGISTRY).is_file();
    let root = if is_registry { folder.join(PACKAGES) } else { folder.to_owned() };
    let mut packages: BTreeMap<PackageName, Package> = BTreeMap::new();
    let mut strange = Vec::new();
    for file in archives_below(&root)? {
        match look_at(&file, limits) {
            Ok((name, version)) => {
                let empty = || Package { name: name.clone(), versions: Vec::new(), tags: Vec::new(), fault: None };
                packages.entry(name.clone()).or_insert_with(empty).add(version);
            }
            Err(fault) => strange.push((file, fault)),
        }
        checked();
    }
    for package in packages.values_mut() {
        package.versions.sort_by(|one, other| one.version.cmp(&other.version));
        if is_registry {
            package.compare_with_registry(folder);
        }
    }
    if is_registry {
        blame_packages(folder, &mut packages, &mut strange);
    }
    Ok(Found { packages: packages.into_values().collect(), strange })
}

impl Package {
    fn add(&mut self, version: SourceVersion) {
        let same = self.versions.iter().find(|other| other.version == version.version);
        match same {
            None => self.versions.push(version),
            Some(same) if same.sha256 == version.sha256 => {}
            Some(same) => {
                self.fault.get_or_insert_with(|| {
                    let (one, other) = (same.file.display(), version.file.display());
                    format!("version {} is there twice with different bytes: {one} and {other}", version.version)
                });
            }
        }
    }

    /// Takes order and tags from the registry's list of the package, and compares the archives with it.
    fn compare_with_registry(&mut self, root: &Path) {
        let folder = package_folder(root, &self.name);
        let document: PackageDocument = match read_document(&folder.join(METADATA)) {
            Ok(Some(document)) => document,
            Ok(None) => return self.blame(format!("{METADATA} is missing in {}", folder.display())),
            Err(error) => return self.blame(format!("{METADATA} in {} cannot be read: {error}", folder.display())),
        };
        let mut in_order = Vec::new();
        for entry in &document.versions {
            let place = self.versions.iter().position(|version| in_file_names(&version.version) == entry.version);
            let Some(place) = place else {
                let file = archive_file(&folder, &entry.version);
                return self.blame(format!("version {}: there is no valid archive {}", entry.version, file.display()));
            };
            let version = self.versions.swap_remove(place);
            let listed = entry.checksum.strip_prefix("sha256:").unwrap_or(&entry.checksum).parse::<Sha256Digest>();
            if listed.ok() != Some(version.sha256) {
                return self.blame(format!(
                    "version {}: {METADATA} lists the checksum {}, and the archive has sha256:{}",
                    entry.version, entry.checksum, version.sha256
                ));
            }
            in_order.push(version);
        }
        let tags = document.dist_tags.iter().filter(|(tag, _)| tag.as_str() != DistTag::latest().as_str());
        for (tag, named) in tags {
            let version = in_order.iter().find(|version| in_file_names(&version.version) == *named);
            match (tag.parse::<DistTag>(), version) {
                (Ok(tag), Some(version)) => self.tags.push((tag, version.version.clone())),
                (Err(error), _) => return self.blame(format!("{METADATA} lists the tag {tag}: {error}")),
                (_, None) => return self.blame(format!("the tag {tag} names the version {named}, which is not there")),
            }
        }
        // What the list does not name, the registry does not offer.
        self.versions = in_order;
    }

    fn blame(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

/// A package with an archive that is not valid is not imported in part.
fn blame_packages(root: &Path, packages: &mut BTreeMap<PackageName, Package>, strange: &mut Vec<(PathBuf, String)>) {
    strange.retain(|(file, fault)| {
        let of = packages.values_mut().find(|package| file.starts_with(package_folder(root, &package.name)));
        let Some(package) = of else { return true };
        package.fault = Some(format!("{}: {fault}", file.display()));
        false
    });
}

/// The archives of a folder and of those below it, by path. Links are not followed.
fn archives_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == EXTENSION) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What an archive holds, or why it is not valid.
fn look_at(file: &Path, limits: &ArchiveLimits) -> Result<(PackageName, SourceVersion), String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let open = fs::File::open(file).map_err(unreadable)?;
    let judged =
        judge(io::BufReader::new(open), limits, |_| Ok(())).map_err(|error: Error| assemble::refusal(&error))?;
    let sha256 = digest_of(file).map_err(unreadable)?.ok_or("it was removed meanwhile")?;
    let version = SourceVersion { version: judged.manifest.version, file: file.to_owned(), sha256 };
    Ok((judged.manifest.name, version))
}
