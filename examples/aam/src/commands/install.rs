//! `aam install`

use std::{collections::BTreeMap, fs};

use aam_registry_core::types::{Constraint, Manifest, PackageName, Selector};
use clap::Args;
use serde_json::json;

use crate::{
    deploy::{Platform, Policy},
    failure::{Failure, Kind, Result},
    install::{Change, Free, Report, Wanted, change, choose_platforms, recalled, select, take_back_interrupted},
    project::{LockFile, Project},
    session::Session,
    spec::PackageSpec,
    text::Text,
};

/// Install packages, and what they need, into a project
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Args)]
#[command(long_about = "Install packages, and what they need, into the project of the current folder, for the AI \
    coding tools it uses.\n\n  \
    aam install @my_org/style-guide\n  \
    aam install greet-kit@1.0.0 @acme/review-suite@^2 --platform claude,cursor\n  \
    aam install                  # what .aam/aam-lock.yaml and the dependencies of aam.yaml say\n  \
    aam install --locked         # exactly what .aam/aam-lock.yaml says, for CI\n\n\
    After the @ stands a version, a dist-tag or a constraint such as ^1.2, ~1.2.3 or '>=1,<3'; `latest` where there \
    is none. Packages are unpacked into .aam/packages and put where each tool looks for them; where a tool has no \
    files of its own for instructions, these go between AAM markers into AGENTS.md or GEMINI.md. Files of yours are \
    never replaced without --force, and nothing is written through a symbolic link inside the project.\n\n\
    Without --platform it installs for the tools that the project shows signs of (.claude, .cursor, .codex, …), else \
    for those of the last install, else for `default_platform` of ~/.aam/config.yaml, else for `agents`: \
    .agents/skills and AGENTS.md, which most tools read.\n\n\
    Commit .aam/aam-lock.yaml. What was written is on record in ~/.aam.")]
pub(crate) struct Install {
    /// The packages; without any, what the project says
    #[arg(value_name = "PACKAGE[@VERSION]")]
    packages: Vec<PackageSpec>,
    /// For which tools: claude, cursor, copilot, codex, gemini, opencode, windsurf, kiro, agents
    #[arg(long = "platform", short, value_name = "PLATFORM", value_delimiter = ',')]
    platforms: Vec<Platform>,
    /// Install for yourself, in every project, instead of into this one
    #[arg(long, short)]
    global: bool,
    /// Replace files of yours that are in the way: those of the packages named, of all where none is
    #[arg(long)]
    force: bool,
    /// Install exactly what .aam/aam-lock.yaml says, downloading and verifying everything again
    #[arg(long, conflicts_with_all = ["packages", "platforms"])]
    locked: bool,
    /// Take packages from every registry that .aam/aam-lock.yaml names, also from one you do not use
    #[arg(long, short)]
    yes: bool,
}

impl Install {
    pub(crate) async fn run(self, session: Session) -> Result<()> {
        let session = &session.trusting_lock(self.yes);
        let project = project(session, self.global)?;
        let _guard = project.guard()?;
        take_back_interrupted(session, &project).await?;
        let found = if self.locked { LockFile::read_exactly(&project) } else { LockFile::read(&project, session.out) }?;
        // What is named does not depend on it, so that a broken one is in nobody's way.
        let manifest = if self.packages.is_empty() { own_manifest(&project)? } else { None };
        let before = found.clone().unwrap_or_default();
        if self.locked {
            let lock = found.ok_or_else(|| {
                Failure::usage(format!("There is no {} to install from", project.shown(&project.lock_file()).display()))
                    .hint("install without --locked first, and commit it")
            })?;
            check_locked(&lock, manifest.as_ref())?;
            return self.install(session, &project, &before, &lock).await;
        }
        let wanted = self.wanted(session, &project, &before, manifest.as_ref())?;
        if wanted.is_empty() && before.packages.is_empty() {
            return Err(Failure::usage("There is nothing to install: name a package")
                .hint("find one with `aam search`, or list `dependencies` in aam.yaml"));
        }
        let after = if wanted.is_empty() {
            before.clone()
        } else {
            select(&session.client(&session.registry()?)?, &before, &wanted, &Free::None).await?
        };
        self.install(session, &project, &before, &after).await
    }

    /// What the command line asks for; without that, the dependencies of
    /// `aam.yaml` that the lock file does not have as they are asked for.
    fn wanted(
        &self,
        session: &Session,
        project: &Project,
        lock: &LockFile,
        manifest: Option<&Manifest>,
    ) -> Result<BTreeMap<PackageName, Wanted>> {
        let mut asked: BTreeMap<PackageName, (String, Selector)> = BTreeMap::new();
        for spec in &self.packages {
            let requested = spec.selector.as_ref().map_or("latest".to_owned(), crate::api::spelled);
            asked.insert(spec.name.clone(), (requested, spec.selector()));
        }
        if self.packages.is_empty() {
            let missing = manifest.iter().flat_map(|manifest| &manifest.dependencies);
            let missing = missing.filter(|(name, constraint)| !satisfies(lock, name, constraint));
            asked.extend(missing.map(|(name, constraint)| {
                (name.clone(), (constraint.to_string(), Selector::Constraint(constraint.clone())))
            }));
            if !self.platforms.is_empty() {
                let rest = lock.requested().filter_map(|(name, package)| {
                    Some((name.clone(), (package.requested.clone()?, format!("={}", *package.version).parse().ok()?)))
                });
                let rest: Vec<_> = rest.filter(|(name, _)| !asked.contains_key(name)).collect();
                asked.extend(rest);
            }
        }
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let platforms = choose_platforms(session, project, lock, &self.platforms)?;
        let wanted = |(requested, selector)| Wanted { requested, selector, platforms: platforms.clone() };
        Ok(asked.into_iter().map(|(name, asked)| (name, wanted(asked))).collect())
    }

    fn policy(&self, before: &LockFile, after: &LockFile) -> Policy {
        if !self.force {
            return Policy::Keep;
        }
        if self.packages.is_empty() {
            return Policy::ForceAll;
        }
        let names: Vec<_> = self.packages.iter().map(|spec| spec.name.clone()).collect();
        forced(&names, before, after)
    }

    async fn install(&self, session: &Session, project: &Project, before: &LockFile, after: &LockFile) -> Result<()> {
        let change_to = Change {
            before,
            after,
            policy: self.policy(before, after),
            afresh: self.locked || self.force,
            strict: true,
            exact: self.locked,
        };
        let mut report = change(session, project, &change_to).await?;
        report.warnings.extend(recalled(session, after).await);
        told(session, &report, "Everything is installed already")
    }
}

/// With `--force`: it reaches `names` and what changes between the lock files, and nobody else's files.
pub(super) fn forced(names: &[PackageName], before: &LockFile, after: &LockFile) -> Policy {
    let sha256 = |lock: &LockFile, name| lock.packages.get(name).map(|package| package.sha256);
    let all = before.packages.keys().chain(after.packages.keys());
    let changed = all.filter(|name| sha256(before, name) != sha256(after, name)).map(|Text(name)| name.clone());
    Policy::Force(names.iter().cloned().chain(changed).collect())
}

/// The project of the current folder, or what is installed for the user.
pub(super) fn project(session: &Session, global: bool) -> Result<Project> {
    if global { Project::of_user(&session.home) } else { Project::find(&session.folder) }
}

/// Whether `lock` has `name` as `constraint` wants it, asked for by a person.
fn satisfies(lock: &LockFile, name: &PackageName, constraint: &Constraint) -> bool {
    lock.get(name).is_some_and(|package| package.requested.is_some() && constraint.matches(&package.version))
}

/// Refuses a lock file that lacks what the project depends on.
fn check_locked(lock: &LockFile, manifest: Option<&Manifest>) -> Result<()> {
    let wanted = manifest.iter().flat_map(|manifest| &manifest.dependencies);
    let missing: Vec<_> = wanted
        .filter(|(name, constraint)| !lock.get(name).is_some_and(|package| constraint.matches(&package.version)))
        .map(|(name, constraint)| crate::failure::Detail::new(name.as_str(), format!("{constraint} is not locked")))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Conflict, "lock_outdated", "The lock file is older than the dependencies of aam.yaml")
        .details(missing)
        .hint("run `aam install` and commit .aam/aam-lock.yaml"))
}

/// The manifest of a project that is a package itself.
fn own_manifest(project: &Project) -> Result<Option<Manifest>> {
    let Some(path) = project.manifest() else { return Ok(None) };
    match fs::read(&path) {
        Ok(bytes) => {
            Manifest::parse(&bytes).map(Some).map_err(|faults| crate::package::invalid_manifest(&path, &faults))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", &path, &error)),
    }
}

/// Tells what a change did.
pub(super) fn told(session: &Session, report: &Report, nothing: &str) -> Result<()> {
    let out = session.out;
    for warning in &report.warnings {
        out.warn(warning);
    }
    for kept in &report.files.kept {
        out.warn(&format!("left as it is: {kept}"));
    }
    for shared in &report.files.shared {
        out.note(&format!("Left {shared}: an install in another project needs it"));
    }
    for remark in &report.remarks {
        out.note(remark);
    }
    if !report.moved.is_empty() {
        out.note(&format!("Moved to where the tools read it what an earlier aam wrote: {}", report.moved.join(", ")));
    }
    let value = json!(report);
    out.done(&value, || {
        let mut lines = Vec::new();
        for moved in &report.installed {
            let from = moved.from.as_ref().map(|from| format!(" (was {from})")).unwrap_or_default();
            let platforms = moved.platforms.join(", ");
            lines.push(format!("{} {} {}{from} for {platforms}", out.green("+"), moved.name, moved.version));
        }
        for moved in &report.removed {
            lines.push(format!("{} {} {}", out.yellow("-"), moved.name, moved.version));
        }
        lines.extend(listed("wrote", &report.files.written).into_iter().map(|line| out.dim(&line)));
        lines.extend(listed("removed", &report.files.removed).into_iter().map(|line| out.dim(&line)));
        if lines.is_empty() {
            lines.push(nothing.to_owned());
        }
        lines
    })
}

/// The first of `files`, and how many more there are.
fn listed(what: &str, files: &[String]) -> Vec<String> {
    const SHOWN: usize = 20;
    let mut lines: Vec<_> = files.iter().take(SHOWN).map(|file| format!("    {what} {file}")).collect();
    if files.len() > SHOWN {
        lines.push(format!("    {what} {} more files", files.len() - SHOWN));
    }
    lines
}

/// Requires that all of `names` are installed.
pub(super) fn installed(lock: &LockFile, names: &[PackageName]) -> Result<()> {
    match names.iter().find(|name| !lock.packages.contains_key(&Text((*name).clone()))) {
        None => Ok(()),
        Some(name) => Err(Failure::new(Kind::NotFound, "not_installed", format!("{name} is not installed here"))
            .hint("see what is with `aam list`")),
    }
}
