//! Archives: downloaded several at a time, verified, unpacked.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use aam_registry_core::{
    archive::{self, ArchiveLimits, NameRule},
    types::PackageName,
};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    api::{Client, Expected, VersionInfo},
    confined::Folder,
    deploy::Package,
    failure::{Failure, Kind, Result},
    progress::Progress,
    project::LockedPackage,
    session::Session,
};

/// How many archives are downloaded at a time.
const PARALLEL: usize = 6;
/// How many bytes are unpacked whatever the registry's limits are today: 8 GiB.
const USUAL_UNPACKED: u64 = 8 << 30;
/// How many entries are unpacked whatever the registry's limits are today.
const USUAL_ENTRIES: u64 = 1_000_000;

/// One package to fetch.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) name: &'a PackageName,
    pub(super) package: &'a LockedPackage,
    pub(super) client: Client,
}

/// One package, unpacked in the workshop.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) name: PackageName,
    pub(super) package: Package,
    /// What its users should know: yanked, deprecated.
    pub(super) warnings: Vec<String>,
}

/// Fetches every job into `workshop`, a folder that nobody else writes to; the first failure ends all.
pub(super) async fn fetch(session: &Session, jobs: Vec<Job<'_>>, workshop: &Path) -> Result<Vec<Fetched>> {
    let progress = Progress::new(session.out);
    stream::iter(jobs.into_iter().enumerate().map(|(at, job)| one(job, workshop.join(at.to_string()), &progress)))
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await
}

/// What the registries say of the versions of `jobs`.
pub(super) async fn told_of(jobs: Vec<Job<'_>>) -> Vec<String> {
    let asked = jobs.into_iter().map(async |job| warnings(&job.client, job.name, job.package).await);
    stream::iter(asked).buffered(PARALLEL).collect::<Vec<_>>().await.concat()
}

async fn one(job: Job<'_>, folder: PathBuf, progress: &Progress) -> Result<Fetched> {
    let Job { name, package, client } = job;
    let archive = folder.with_extension("aam");
    let failed = |error: std::io::Error| Failure::io("write", &archive, &error);
    let mut file = File::create_new(&archive).map_err(failed)?;
    let bar = progress.bytes(format!("{name} {}", *package.version), package.size);
    let expected = Expected { sha256: *package.sha256, size: package.size };
    let (downloaded, warnings) = tokio::join!(
        client.download(name, &package.version, expected, &mut file, |received| bar.set_position(received)),
        warnings(&client, name, package),
    );
    downloaded?;
    drop(file);
    let limits = client.limits().await.archive;
    let unpacked = tokio::task::spawn_blocking(move || unpack(&archive, &folder, &limits))
        .await
        .map_err(|error| Failure::new(Kind::Other, "internal", format!("Unpacking {name} broke off: {error}")))??;
    bar.finish_and_clear();
    let manifest = &unpacked.manifest;
    if manifest.name != *name || manifest.version != *package.version {
        return Err(Failure::integrity(format!(
            "The archive of {name} {} says that it is {} {}",
            *package.version, manifest.name, manifest.version
        )));
    }
    Ok(Fetched { name: name.clone(), package: unpacked, warnings })
}

/// Unpacks the verified archive at `archive`, of a registry with `limits`, into the new folder `into`.
fn unpack(archive: &Path, into: &Path, limits: &ArchiveLimits) -> Result<Package> {
    let file = File::open(archive).map_err(|error| Failure::io("read", archive, &error))?;
    fs::create_dir(into).map_err(|error| Failure::io("make the folder", into, &error))?;
    // What was published under wider limits than today's still installs; these keep the disk from filling.
    let limits = ArchiveLimits::NONE
        .with_max_unpacked_size(limits.max_unpacked_size().max(USUAL_UNPACKED))
        .with_max_entries(limits.max_entries().max(USUAL_ENTRIES))
        .with_names(NameRule::Unpackable);
    archive::unpack(file, into, &limits).map_err(|error| {
        Failure::disk("unpack into", into, &error)
            .unwrap_or_else(|| Failure::invalid(format!("Cannot unpack: {error}")))
    })?;
    let _ = fs::remove_file(archive);
    Package::open(Folder::open(into)?)
}

/// What the registry says of a version; an install does not fail for want of it.
async fn warnings(client: &Client, name: &PackageName, package: &LockedPackage) -> Vec<String> {
    let Ok(answer) = client.version(name, &package.version).await else { return Vec::new() };
    let Ok(info) = serde_json::from_value::<VersionInfo>(answer) else { return Vec::new() };
    let mut warnings = Vec::new();
    if info.yanked {
        let reason = info.yanked_reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        warnings.push(format!("{name} {} is yanked{reason}", *package.version));
    }
    for (word, text) in info.texts.iter() {
        warnings.push(format!("{name} {} is {word}: {text}", *package.version));
    }
    warnings
}
