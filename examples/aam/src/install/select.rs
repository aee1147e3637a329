//! Choosing versions: what is wanted and needed, moving as little as possible of what is there.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::{PackageName, Selector, Sha256Digest};

use crate::{
    api::{Client, Resolved},
    config::RegistryUrl,
    deploy::Platform,
    failure::{Failure, Kind, Result},
    project::{LockFile, LockedPackage},
    text::Text,
};

/// What a person wants of one package.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// As they wrote it; `latest` where they wrote nothing.
    pub(crate) requested: String,
    pub(crate) selector: Selector,
    pub(crate) platforms: BTreeSet<Platform>,
}

/// Which of the installed packages may change version.
#[derive(Clone, Debug)]
pub(crate) enum Free {
    /// Only where what is wanted cannot be had otherwise.
    None,
    /// These.
    These(BTreeSet<PackageName>),
    All,
}

impl Free {
    fn contains(&self, name: &PackageName) -> bool {
        match self {
            Self::None => false,
            Self::These(names) => names.contains(name),
            Self::All => true,
        }
    }
}

/// The lock file that has `wanted` beside what `lock` has of the same registry.
pub(crate) async fn select(
    client: &Client,
    lock: &LockFile,
    wanted: &BTreeMap<PackageName, Wanted>,
    free: &Free,
) -> Result<LockFile> {
    let registry = client.registry();
    let here = |package: &LockedPackage| *package.registry == *registry;
    let asked = || {
        let before = lock.requested().filter(|(_, package)| here(package));
        let before = before.filter_map(|(name, package)| Some((name.clone(), package.selector()?)));
        let mut asked: BTreeMap<_, _> = before.collect();
        asked.extend(wanted.iter().map(|(name, wanted)| (name.clone(), wanted.selector.clone())));
        asked
    };
    let mut pinned = asked();
    for (Text(name), package) in lock.packages.iter().filter(|(_, package)| here(package)) {
        if !wanted.contains_key(name) && !free.contains(name) {
            let exact = format!("={}", *package.version);
            pinned.insert(name.clone(), exact.parse()?);
        }
    }
    let resolved = match client.resolve_tree(&pinned).await {
        // What is installed stands against what is wanted: then it may move too.
        Err(failure) if pinned != asked() && matches!(failure.kind, Kind::Conflict | Kind::NotFound) => {
            client.resolve_tree(&asked()).await?
        }
        answer => answer?,
    };
    merge(lock, registry, wanted, resolved)
}

fn merge(
    lock: &LockFile,
    registry: &RegistryUrl,
    wanted: &BTreeMap<PackageName, Wanted>,
    resolved: BTreeMap<PackageName, Resolved>,
) -> Result<LockFile> {
    let mut new = lock.clone();
    for (name, found) in resolved {
        let before = lock.get(&name);
        if let Some(other) = before.filter(|before| *before.registry != *registry) {
            return Err(Failure::new(
                Kind::Conflict,
                "other_registry",
                format!("{name} is installed from {} and now asked of {registry}", *other.registry),
            )
            .hint(format!("uninstall it first: `aam uninstall {name}`")));
        }
        if let Some(before) = before.filter(|before| before.version == found.version) {
            unchanged(&name, before, *found.checksum.sha256)?;
        }
        let wanted = wanted.get(&name);
        let mut platforms: BTreeSet<_> = before.map(|before| before.platforms.clone()).unwrap_or_default();
        platforms.extend(wanted.iter().flat_map(|wanted| &wanted.platforms).map(|platform| Text(*platform)));
        let package = LockedPackage {
            version: found.version,
            registry: Text(registry.clone()),
            sha256: found.checksum.sha256,
            size: found.archive_size,
            requested: wanted
                .map(|wanted| wanted.requested.clone())
                .or_else(|| before.and_then(|before| before.requested.clone())),
            platforms,
            dependencies: found.dependencies,
        };
        new.packages.insert(Text(name), package);
    }
    new.settle();
    Ok(new)
}

/// Refuses other bytes for a version that is locked: a published version never changes.
fn unchanged(name: &PackageName, before: &LockedPackage, now: Sha256Digest) -> Result<()> {
    if *before.sha256 == now {
        return Ok(());
    }
    let message = format!(
        "{name} {} is not what it was: the lock file has the sha256 {}, and {} now has {now}",
        *before.version, *before.sha256, *before.registry
    );
    Err(Failure::integrity(message).hint(format!(
        "a published version never changes, so ask who runs the registry what happened; if you trust what is there \
         now, run `aam uninstall {name}` and install it again"
    )))
}
