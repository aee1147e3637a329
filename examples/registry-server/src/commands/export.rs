//! `export`.

use std::{collections::BTreeMap, fs, path::Path};

use aam_registry_core::{
    registry::{Registry, View},
    types::{
        PackageName, PackageSummary, PageRequest, SearchQuery, SearchSort, TokenPattern, VersionBounds, VersionRange,
        VersionSummary,
    },
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Failed, configuration, progress, runtime};
use crate::{
    assemble::{self, Purpose},
    cli::Export,
    config::Surroundings,
    file_registry::{
        INDEX, IndexDocument, IndexEntry, METADATA, PACKAGES, PackageDocument, REGISTRY, RegistryDocument,
        VersionEntry, archive_file, digest_of, in_file_names, package_folder, read_document, write_archive,
        write_document,
    },
};

/// How many packages are read at a time.
const PAGE: u64 = 500;

/// What became of a package.
#[derive(Debug, Default)]
struct Exported {
    written: u64,
    kept: u64,
    bytes: u64,
}

/// Writes a file registry.
pub(super) fn run(command: &Export, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Archives).await?;
        if !command.dry_run {
            prepare(&command.to)?;
        }
        let bar = progress::counting("packages exported");
        let answer = export(&registry, command, || bar.inc(1)).await;
        bar.finish_and_clear();
        answer
    })
}

/// Makes the folder a registry, unless it is one.
fn prepare(folder: &Path) -> Result<(), Failed> {
    let failed = |error: std::io::Error| Failed(format!("{} cannot be written: {error}", folder.display()));
    fs::create_dir_all(folder.join(PACKAGES)).map_err(failed)?;
    let file = folder.join(REGISTRY);
    if file.exists() {
        return Ok(());
    }
    let name = folder.canonicalize().map_err(failed)?;
    let document = RegistryDocument {
        name: name.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        kind: "local".to_owned(),
        description: "Packages exported by aam-registry".to_owned(),
        api_version: 1,
        created_at: Timestamp::now().to_string(),
    };
    write_document(&file, &document).map_err(failed)
}

async fn export(registry: &Registry, command: &Export, done: impl Fn()) -> Result<Answer, Failed> {
    let view = registry.public_view();
    let mut folders: BTreeMap<String, PackageName> = BTreeMap::new();
    let (mut lines, mut items) = (Vec::new(), Vec::<Value>::new());
    let mut index = IndexDocument::default();
    let (mut versions, mut failed) = (0, 0);
    for summary in summaries(&view, &command.packages).await? {
        let name = summary.name.clone();
        let outcome = match folders.insert(name.fs_name(), name.clone()) {
            Some(other) => Err(Failed(format!(
                "{name} would be written to the folder of {other}; export only one of them, with --packages"
            ))),
            None => package(registry, &summary, command).await,
        };
        done();
        match outcome {
            Ok((exported, entry)) => {
                versions += exported.written + exported.kept;
                lines.push(line_of(&name, &exported, command.dry_run));
                items.push(json!({
                    "package": name.as_str(), "written": exported.written, "kept": exported.kept,
                    "bytes": exported.bytes,
                }));
                index.packages.push(entry);
            }
            Err(error) => {
                failed += 1;
                lines.push(format!("{name}: not exported: {error}"));
                items.push(json!({ "package": name.as_str(), "error": error.to_string() }));
            }
        }
    }
    if !command.dry_run {
        let file = command.to.join(INDEX);
        write_document(&file, &index).map_err(|error| Failed(format!("{}: {error}", file.display())))?;
    }
    let verb = if command.dry_run { "would be" } else { "are" };
    let packages = index.packages.len();
    lines.push(format!(
        "packages: {packages}, versions: {versions}, {verb} in {}; failed: {failed}",
        command.to.display()
    ));
    let json = json!({
        "to": command.to, "dry_run": command.dry_run, "packages": packages, "versions": versions, "failed": failed,
        "items": items,
    });
    Ok(Answer::new(command.json, lines.join("\n"), &json).bad_unless(failed == 0))
}

fn line_of(name: &PackageName, exported: &Exported, dry_run: bool) -> String {
    let verb = if dry_run { "to be written" } else { "written" };
    let Exported { written, kept, .. } = exported;
    format!("{name}: {written} {verb}, {kept} there already")
}

/// The packages that are exported, by name.
async fn summaries(view: &View<'_>, patterns: &[TokenPattern]) -> Result<Vec<PackageSummary>, Failed> {
    let mut summaries = Vec::new();
    let mut page = PageRequest { page: 1, limit: PAGE };
    loop {
        let found = view.search(&SearchQuery::everything(SearchSort::Name, page)).await?;
        let is_last = page.page >= found.pages();
        let wanted = |name: &PackageName| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name));
        summaries.extend(found.items.into_iter().filter(|summary| wanted(&summary.name)));
        if is_last {
            break;
        }
        page.page += 1;
    }
    // A package that was published meanwhile moves others to the next page.
    summaries.dedup_by(|one, other| one.name == other.name);
    Ok(summaries)
}

/// Exports a package; its list of versions is written last, when their archives are there.
async fn package(
    registry: &Registry,
    summary: &PackageSummary,
    command: &Export,
) -> Result<(Exported, IndexEntry), Failed> {
    let name = &summary.name;
    let folder = package_folder(&command.to, name);
    let failed = |error: std::io::Error| Failed(format!("{}: {error}", folder.display()));
    let view = registry.public_view();
    let package = view.package(name).await?;
    let mut exported = Exported::default();
    let mut entries = Vec::new();
    for version in standing_versions(&view, name).await? {
        let entry = entry_of(&version);
        let file = archive_file(&folder, &entry.version);
        if digest_of(&file).map_err(failed)? == Some(version.sha256) {
            exported.kept += 1;
        } else {
            exported.written += 1;
            exported.bytes += version.archive_size;
            if !command.dry_run {
                fs::create_dir_all(folder.join("versions")).map_err(failed)?;
                let location = view.locate(name, &version.version).await?;
                let content = registry.open_archive(&location, None).await?;
                write_archive(&file, content, version.sha256).await.map_err(failed)?;
            }
        }
        entries.push(entry);
    }
    let manifest = &package.manifest;
    let has = |version: &str| entries.iter().any(|entry| entry.version == version);
    let dist_tags = package.dist_tags.iter().map(|(tag, version)| (tag.to_string(), in_file_names(version)));
    let document = PackageDocument {
        name: name.to_string(),
        description: manifest.description.clone(),
        author: manifest.author.clone(),
        license: manifest.license.clone(),
        repository: manifest.repository.clone(),
        keywords: manifest.keywords.clone(),
        dist_tags: dist_tags.filter(|(_, version)| has(version)).collect(),
        versions: entries,
    };
    if !command.dry_run {
        let file = folder.join(METADATA);
        let before: Option<PackageDocument> = read_document(&file).ok().flatten();
        write_document(&file, &document).map_err(failed)?;
        remove_others(&folder, before, &document).map_err(failed)?;
    }
    Ok((exported, index_entry(summary)))
}

/// Removes the archives that an earlier export wrote of versions that are not exported any more, because they were
/// yanked or removed.
fn remove_others(folder: &Path, before: Option<PackageDocument>, now: &PackageDocument) -> std::io::Result<()> {
    for entry in before.into_iter().flat_map(|before| before.versions) {
        let is_plain = !entry.version.contains(['/', '\\']);
        if is_plain && now.versions.iter().all(|kept| kept.version != entry.version) {
            match fs::remove_file(archive_file(folder, &entry.version)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The versions of a package that are not yanked, oldest published first.
async fn standing_versions(view: &View<'_>, name: &PackageName) -> Result<Vec<VersionSummary>, Failed> {
    let mut versions = Vec::new();
    let mut range = VersionRange { before: None, bounds: VersionBounds::LISTED };
    loop {
        let list = view.version_list(name, &range).await?;
        range.before = list.next_before().cloned();
        versions.extend(list.versions.into_iter().filter(|version| !version.yanked));
        if range.before.is_none() {
            break;
        }
    }
    versions.reverse();
    Ok(versions)
}

fn entry_of(version: &VersionSummary) -> VersionEntry {
    let dependencies = version.dependencies.iter();
    VersionEntry {
        version: in_file_names(&version.version),
        published: version.published_at.to_string(),
        checksum: format!("sha256:{}", version.sha256),
        size: version.archive_size,
        dependencies: dependencies.map(|(name, constraint)| (name.to_string(), constraint.to_string())).collect(),
    }
}

fn index_entry(summary: &PackageSummary) -> IndexEntry {
    IndexEntry {
        name: summary.name.to_string(),
        description: summary.description.clone(),
        latest: in_file_names(&summary.latest_version),
        keywords: summary.keywords.clone(),
        artifact_types: summary.artifact_types.iter().map(|kind| kind.as_str().to_owned()).collect(),
        updated_at: summary.updated_at.to_string(),
    }
}
