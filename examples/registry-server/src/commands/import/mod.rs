//! `import`.

mod source;

use std::{fmt::Write, fs, io::Read};

use aam_registry_core::{
    Error,
    registry::{PublishOptions, Registry},
    types::{DistTag, PackageName, Principal, ScopeName, Version},
};
use bytes::Bytes;
use serde_json::{Value, json};

use self::source::{Found, Package, SourceVersion};
use super::{Answer, Failed, configuration, progress, runtime};
use crate::{
    assemble::{self, Purpose},
    cli::Import,
    config::Surroundings,
};

/// How many bytes of an archive are read at a time.
const CHUNK: usize = 256 * 1024;

/// What becomes of a package.
#[derive(Debug, Default)]
struct Imported {
    published: Vec<Version>,
    there: Vec<Version>,
    /// The scope that is created for it.
    scope: Option<ScopeName>,
    tags: Vec<DistTag>,
}

/// What stopped the import of a package, and what was done before.
#[derive(Debug)]
struct Stopped {
    reason: String,
    published: Vec<Version>,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self { reason: assemble::refusal(&error), published: Vec::new() }
    }
}

/// Publishes the packages of a folder.
pub(super) fn run(command: &Import, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Publish).await?;
        let missing =
            || Failed(format!("there is no user {}: create one with `aam-registry user create`", command.owner));
        let owner = Principal::of_host(&registry.find_user(&command.owner).await?.ok_or_else(missing)?);
        let bar = progress::counting("archives checked");
        let limits = registry.policy().archive_limits;
        let found = source::read(&command.from, &limits, || bar.inc(1));
        bar.finish_and_clear();
        let found = found.map_err(|error| Failed(format!("{} cannot be read: {error}", command.from.display())))?;
        import(&registry, &owner, found, command).await
    })
}

async fn import(registry: &Registry, owner: &Principal, found: Found, command: &Import) -> Result<Answer, Failed> {
    let wanted = |name: &PackageName| {
        command.packages.is_empty() || command.packages.iter().any(|pattern| pattern.matches(name))
    };
    let mut lines: Vec<_> = found.strange.iter().map(|(file, fault)| format!("{}: {fault}", file.display())).collect();
    let mut items: Vec<Value> =
        found.strange.iter().map(|(file, fault)| json!({ "file": file, "error": fault })).collect();
    let mut failed = found.strange.len();
    let (mut packages, mut published, mut there) = (0_usize, 0, 0);
    let bar = progress::counting("packages imported");
    for package in found.packages.iter().filter(|package| wanted(&package.name)) {
        packages += 1;
        let name = &package.name;
        match one(registry, owner, package, command.dry_run).await {
            Ok(imported) => {
                published += imported.published.len();
                there += imported.there.len();
                lines.push(line_of(name, &imported, command));
                items.push(json!({
                    "package": name.as_str(), "published": texts(&imported.published), "there": texts(&imported.there),
                    "scope_created": imported.scope.as_ref().map(ToString::to_string),
                    "tags": texts(&imported.tags),
                }));
            }
            Err(stopped) => {
                failed += 1;
                published += stopped.published.len();
                lines.push(stopped_line(name, &stopped));
                items.push(json!({
                    "package": name.as_str(), "published": texts(&stopped.published), "error": stopped.reason,
                }));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if packages == 0 && failed == 0 {
        return Err(Failed(format!("{} holds no package to import", command.from.display())));
    }
    let verb = if command.dry_run { "to be published" } else { "published" };
    lines
        .push(format!("packages: {packages}; versions: {published} {verb}, {there} there already; problems: {failed}"));
    let json = json!({
        "from": command.from, "dry_run": command.dry_run, "packages": packages, "published": published,
        "there": there, "failed": failed, "items": items,
    });
    Ok(Answer::new(command.json, lines.join("\n"), &json).bad_unless(failed == 0))
}

/// Imports a package: finds out what is to be done, and does it if that is possible.
async fn one(registry: &Registry, owner: &Principal, package: &Package, dry_run: bool) -> Result<Imported, Stopped> {
    if let Some(fault) = &package.fault {
        return Err(Stopped { reason: fault.clone(), published: Vec::new() });
    }
    let mut imported = Imported::default();
    let mut missing = Vec::new();
    for source in &package.versions {
        match registry.unrestricted().version(&package.name, &source.version).await {
            Ok(standing) if standing.summary.sha256 == source.sha256 => imported.there.push(source.version.clone()),
            Ok(_) => {
                let reason =
                    format!("version {} is there with other bytes; a version is never replaced", source.version);
                return Err(Stopped { reason, published: Vec::new() });
            }
            Err(Error::PackageNotFound(_) | Error::VersionNotFound { .. }) => missing.push(source),
            Err(error) => return Err(error.into()),
        }
    }
    imported.scope = missing_scope(registry, &package.name).await?;
    if dry_run {
        imported.published = missing.iter().map(|source| source.version.clone()).collect();
        return Ok(imported);
    }
    if let Some(scope) = &imported.scope {
        registry.create_scope(owner, scope).await?;
    }
    for source in missing {
        match publish(registry, owner, source).await {
            Ok(()) => imported.published.push(source.version.clone()),
            Err(error) => {
                let reason = format!("version {}: {}", source.version, assemble::refusal(&error));
                return Err(Stopped { reason, published: imported.published });
            }
        }
    }
    for (tag, version) in &package.tags {
        let set = registry.unrestricted().tags(&package.name).await?;
        if set.get(tag) != Some(version) {
            if let Err(error) = registry.set_tag(owner, &package.name, tag, version).await {
                let reason = format!("the tag {tag}: {}", assemble::refusal(&error));
                return Err(Stopped { reason, published: imported.published });
            }
            imported.tags.push(tag.clone());
        }
    }
    Ok(imported)
}

/// The scope of the package, if it does not exist.
async fn missing_scope(registry: &Registry, name: &PackageName) -> Result<Option<ScopeName>, Error> {
    let Some(scope) = name.scope() else { return Ok(None) };
    match registry.unrestricted().scope(&scope).await {
        Ok(_) => Ok(None),
        Err(Error::ScopeNotFound(_)) => Ok(Some(scope)),
        Err(error) => Err(error),
    }
}

async fn publish(registry: &Registry, owner: &Principal, source: &SourceVersion) -> Result<(), Error> {
    let unreadable = |error| Error::storage(error, false);
    let mut file = fs::File::open(&source.file).map_err(unreadable)?;
    let mut publish = registry.begin_publish(owner, None).await?;
    loop {
        let mut bytes = Vec::with_capacity(CHUNK);
        Read::by_ref(&mut file).take(CHUNK as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.is_empty() {
            break;
        }
        publish.write(Bytes::from(bytes)).await?;
    }
    // The bytes that were checked, and no others.
    publish.finish(PublishOptions { checksum: Some(source.sha256), ..PublishOptions::default() }).await.map(drop)
}

fn line_of(name: &PackageName, imported: &Imported, command: &Import) -> String {
    let verb = if command.dry_run { "to be published" } else { "published" };
    let mut line = format!("{name}: {} {verb}, {} there already", imported.published.len(), imported.there.len());
    if let Some(scope) = &imported.scope {
        let verb = if command.dry_run { "would be created" } else { "created" };
        let _ = write!(line, "; scope @{scope} {verb}, owned by {}", command.owner);
    }
    line
}

fn stopped_line(name: &PackageName, Stopped { reason, published }: &Stopped) -> String {
    if published.is_empty() {
        return format!("{name}: not imported: {reason}");
    }
    format!("{name}: stopped after {} published: {reason}; run the command again when that is mended", published.len())
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(T::to_string).collect()
}
