//! Archives: downloaded several at a time, verified, unpacked.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aam_registry_core::{
    archive::{self, ArchiveLimits, NameRule},
    types::PackageName,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use walkdir::WalkDir;

use crate::{
    api::{Client, Expected},
    config::Ceilings,
    confined::Folder,
    deploy::Package,
    failure::{Detail, Failure, Kind, Result},
    progress::Progress,
    project::LockedPackage,
    session::Session,
};

/// How many archives are downloaded at a time.
const PARALLEL: usize = 6;

/// One package to fetch.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) name: &'a PackageName,
    pub(super) package: &'a LockedPackage,
    pub(super) client: Client,
}

/// What a command may still unpack.
#[derive(Debug)]
pub(super) struct Budget {
    ceilings: Ceilings,
    /// Bytes of archives that were asked for so far.
    asked: u64,
    /// Bytes.
    unpacked: u64,
    /// Files and folders.
    files: u64,
}

impl Budget {
    /// That of one command.
    pub(super) fn new(ceilings: Ceilings) -> Self {
        Self { ceilings, asked: 0, unpacked: ceilings.unpacked, files: ceilings.files }
    }

    /// Fails where `jobs` are more than may be downloaded.
    fn admit(&mut self, jobs: &[Job<'_>]) -> Result<()> {
        self.asked = jobs.iter().fold(self.asked, |sum, job| sum.saturating_add(job.package.size));
        self.ceilings.admit_download(self.asked)
    }

    /// Unpacks `archive` into the new folder `into`, and counts what it holds.
    fn unpack(&mut self, archive: &Path, into: &Path) -> Result<Package> {
        let file = File::open(archive).map_err(|error| Failure::io("read", archive, &error))?;
        fs::create_dir(into).map_err(|error| Failure::io("make the folder", into, &error))?;
        // What a registry takes today is no measure: it may have taken more before, and its word is no limit.
        let limits = ArchiveLimits::NONE
            .with_max_unpacked_size(self.unpacked)
            .with_max_entries(self.files)
            .with_names(NameRule::Unpackable);
        let files = archive::unpack(file, into, &limits).map_err(|error| {
            let said = error.to_string();
            if said.contains(&format!("more than {} bytes", self.unpacked)) {
                return self.ceilings.too_many_bytes();
            }
            if said.contains(&format!("more than {} entries", self.files)) {
                return self.ceilings.too_many_files();
            }
            let details = error.details().into_iter().map(|detail| Detail::new(detail.field, detail.error)).collect();
            Failure::disk("unpack into", into, &error)
                .unwrap_or_else(|| Failure::invalid(format!("Cannot unpack: {said}")).details(details))
        })?;
        let bytes = files.iter().map(|file| file.size).sum();
        self.unpacked = self.unpacked.saturating_sub(bytes);
        self.files = self.files.saturating_sub(WalkDir::new(into).min_depth(1).into_iter().count() as u64);
        // It is in nobody's way; the folder goes with all that is in it.
        let _ = fs::remove_file(archive);
        Package::open(Folder::open(into)?)
    }
}

/// One package, unpacked in the workshop.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) name: PackageName,
    pub(super) package: Package,
    /// What its users should know: yanked, deprecated.
    pub(super) warnings: Vec<String>,
    /// Whether it is in quarantine: shown to those alone who decide about it.
    pub(super) is_quarantined: bool,
}

/// What a registry says of a version.
#[derive(Debug, Default)]
struct Told {
    warnings: Vec<String>,
    is_quarantined: bool,
}

/// Fetches every job into `workshop`, a folder that nobody else writes to, within `budget`; the first failure ends all.
pub(super) async fn fetch(
    session: &Session,
    jobs: Vec<Job<'_>>,
    workshop: &Path,
    budget: &Arc<Mutex<Budget>>,
) -> Result<Vec<Fetched>> {
    budget.lock().unwrap_or_else(PoisonError::into_inner).admit(&jobs)?;
    let progress = Progress::new(session.out);
    let jobs = jobs.into_iter().enumerate();
    let fetched = stream::iter(jobs.map(|(at, job)| one(job, workshop.join(at.to_string()), &progress, budget)))
        .buffer_unordered(PARALLEL)
        .try_collect();
    session.patience.ceilings().in_transfer_time(fetched).await
}

/// Downloads the archive of `package`, which is called `name`, and unpacks it below `workshop`, a folder that nobody
/// else writes to, to look into it.
pub(crate) async fn look_into(
    session: &Session,
    client: Client,
    name: &PackageName,
    package: &LockedPackage,
    workshop: &Path,
) -> Result<Package> {
    let jobs = vec![Job { name, package, client }];
    let ceilings = *session.patience.ceilings();
    let budget = Arc::new(Mutex::new(Budget::new(ceilings)));
    let mut fetched = fetch(session, jobs, workshop, &budget).await?;
    let fetched = fetched.pop().ok_or_else(|| Failure::integrity(format!("Nothing came of the download of {name}")))?;
    Ok(fetched.package)
}

/// What the registries say of the versions of `jobs`.
pub(super) async fn told_of(jobs: Vec<Job<'_>>) -> Vec<String> {
    let asked = jobs.into_iter().map(async |job| told(&job.client, job.name, job.package).await.warnings);
    stream::iter(asked).buffered(PARALLEL).collect::<Vec<_>>().await.concat()
}

async fn one(job: Job<'_>, folder: PathBuf, progress: &Progress, budget: &Arc<Mutex<Budget>>) -> Result<Fetched> {
    let Job { name, package, client } = job;
    let archive = folder.with_extension("aam");
    let failed = |error: std::io::Error| Failure::io("write", &archive, &error);
    let mut file = File::create_new(&archive).map_err(failed)?;
    let bar = progress.bytes(format!("{name} {}", *package.version), package.size);
    let expected = Expected { sha256: *package.sha256, size: package.size };
    let (downloaded, told) = tokio::join!(
        client.download(name, &package.version, expected, &mut file, |received| bar.set_position(received)),
        told(&client, name, package),
    );
    downloaded.map_err(|failure| withdrawn(failure, name, package))?;
    drop(file);
    let budget = Arc::clone(budget);
    // One at a time, so that each knows what the others left.
    let unpack = move || budget.lock().unwrap_or_else(PoisonError::into_inner).unpack(&archive, &folder);
    let unpacked = tokio::task::spawn_blocking(unpack)
        .await
        .map_err(|error| Failure::new(Kind::Other, "internal", format!("Unpacking {name} broke off: {error}")))?
        .map_err(|failure| unusable(failure, name, package))?;
    bar.finish_and_clear();
    let manifest = &unpacked.manifest;
    if manifest.name != *name || manifest.version != *package.version {
        return Err(Failure::integrity(format!(
            "The archive of {name} {} says that it is {} {}",
            *package.version, manifest.name, manifest.version
        )));
    }
    let Told { warnings, is_quarantined } = told;
    Ok(Fetched { name: name.clone(), package: unpacked, warnings, is_quarantined })
}

/// Says of which package the manifest is not valid: where it was unpacked is of no use to anybody.
fn unusable(failure: Failure, name: &PackageName, package: &LockedPackage) -> Failure {
    if failure.kind != Kind::Invalid || failure.details.is_empty() {
        return failure;
    }
    let message = format!("The manifest of {name} {} is not valid; nothing was installed", *package.version);
    Failure { message: message.into(), ..failure }.or_hint("tell its author; until it is mended, use another version")
}

/// Says what it may mean that a version which was chosen before is not there any more.
fn withdrawn(failure: Failure, name: &PackageName, package: &LockedPackage) -> Failure {
    let version = &*package.version;
    match &*failure.code {
        "version_gone" => failure.hint(format!(
            "the registry has removed {name} {version} for good; choose another version with `aam update {name}`, and \
             look at the recalls with `aam audit`"
        )),
        "version_not_found" | "package_not_found" => failure.hint(format!(
            "the registry does not show {name} {version} to you any more: it may be in quarantine or wait for approval; \
             `aam audit` tells whether it was recalled, and `aam update {name}` chooses another version"
        )),
        _ => failure,
    }
}

/// What the registry says of a version; an install does not fail for want of it.
async fn told(client: &Client, name: &PackageName, package: &LockedPackage) -> Told {
    let Ok(answer) = client.version(name, &package.version).await else { return Told::default() };
    let info = answer.read;
    let mut warnings = Vec::new();
    if info.yanked {
        let reason = info.yanked_reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        warnings.push(format!("{name} {} is yanked{reason}", *package.version));
    }
    for (word, text) in info.texts.iter() {
        warnings.push(format!("{name} {} is {word}: {text}", *package.version));
    }
    match info.approval_status.as_deref() {
        Some("pending") => warnings.push(format!(
            "{name} {} waits for approval; others cannot install it until it is approved",
            *package.version
        )),
        Some("rejected") => {
            warnings.push(format!("{name} {} was rejected; others cannot install it", *package.version));
        }
        _ => {}
    }
    let is_quarantined = info.quarantine.is_some();
    if is_quarantined {
        warnings.push(format!("{name} {} is in quarantine; others cannot install it", *package.version));
    }
    Told { warnings, is_quarantined }
}
