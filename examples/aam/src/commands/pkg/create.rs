//! `aam pkg create`

use std::{
    fs,
    path::{Path, PathBuf},
};

use aam_registry_core::types::{ArtifactType, ManifestLimits, PackageName, ScopeName};
use clap::{Args, builder::PossibleValuesParser};
use serde_json::{Value, json};

use super::{chosen, units};
use crate::{
    confined::Folder,
    failure::{Detail, Failure, Kind, Result},
    output::plain,
    package::{Composed, Discovery, Found, Names, discover, is_refused_when_new},
    prompt,
    session::Session,
};

/// How many names of a type one line tells.
const NAMED: usize = 12;

/// Make a package of the skills, agents, prompts and instructions that are here
#[derive(Debug, Args)]
#[command(long_about = "Make a package of what is there already: skills, agents, prompts and instructions in the \
    places where tools keep them (.claude, .cursor, .github, .agents, .opencode, .windsurf, .kiro, .apm), in plugins \
    and marketplaces of plugins, in skills/, agents/, commands/, prompts/, instructions/ and rules/, and SKILL.md at \
    any depth. It writes aam.yaml, with name, description, licence, version, author and repository from plugin.json, \
    apm.yml, package.json, git's origin, LICENSE and README, and leaves every file where it is.\n\n  \
    aam pkg create                                 # in this folder; asks which to take\n  \
    aam pkg create --all --dry-run                 # shows what it would write\n  \
    aam pkg create ../my-repo --all --name @my_org/my-skills\n  \
    aam pkg create --all --type skill,agent        # these types only\n  \
    aam pkg create --all --each --name @my_org     # a package a plugin, or a skill, all in the scope @my_org\n\n\
    Then: aam pkg validate, aam pkg publish\n\n\
    What else lies in the folder stays out of the package by a new .aamignore, unless there is one. What .gitignore, \
    .aamignore and the list of secrets leave out is not taken. With --each every plugin, else every skill, gets an \
    aam.yaml in its own folder.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Create {
    /// The folder to look in; the current one where not given
    path: Option<PathBuf>,
    /// Take everything that is found, without asking
    #[arg(long)]
    all: bool,
    /// Only what is of these types
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(ArtifactType::ALL.map(ArtifactType::as_str)))]
    types: Vec<String>,
    /// The package's name; with --each the scope of all of them, as in `@my_org`
    #[arg(long)]
    name: Option<String>,
    /// Show what would be written, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask; take everything
    #[arg(long, short)]
    yes: bool,
    /// Make one package of each plugin, else of each skill
    #[arg(long)]
    each: bool,
}

impl Create {
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let folder = self.path.clone().unwrap_or_else(|| session.folder.clone());
        if !folder.is_dir() {
            return Err(Failure::usage(format!("{} is not a folder", folder.display())));
        }
        let folder = if self.dry_run {
            fs::canonicalize(&folder).map_err(|error| Failure::io("open the folder", &folder, &error))?
        } else {
            Folder::named(&folder)?.path().to_owned()
        };
        let asks = prompt::can_ask() && !session.out.is_json();
        if !self.each && !self.dry_run {
            may_write(&folder, asks)?;
        }
        let mut discovery = discover(&folder, if self.each { Names::OfUnits } else { Names::OfAll })?;
        discovery
            .found
            .retain(|found| self.types.is_empty() || self.types.iter().any(|kind| kind == found.kind.as_str()));
        if discovery.found.is_empty() {
            return Err(Failure::new(Kind::NotFound, "nothing_found", nothing(&folder, &self.types))
                .details(discovery.not_taken)
                .hint("`aam pkg create --help` lists the places; `aam pkg init` makes a new package"));
        }
        if !(self.all || self.yes || self.dry_run) {
            if !asks {
                return Err(unchosen(&discovery.found));
            }
            discovery.found = chosen::ask(session, discovery.found)?;
        }
        let mut not_taken = discovery.not_taken.clone();
        let packages = if self.each {
            units::each(&folder, self.scope()?.as_ref(), discovery, &mut not_taken)?
        } else {
            vec![units::one(&folder, self.package()?, discovery)?]
        };
        let mut made = Vec::new();
        for package in &packages {
            for refused in &package.refused {
                // What was seen where it lies is told once.
                if !not_taken.iter().any(|told| told.field == refused.field) {
                    not_taken.push(refused.clone());
                }
            }
            for warning in &package.warnings {
                session.out.warn(&format!("{}: {}", in_folder(&folder, package, &warning.field), warning.error));
            }
            let most = ManifestLimits::default().max_artifacts();
            if package.taken.len() > most {
                session.out.warn(&format!(
                    "{} has {} artifacts; most registries take {most}: use --each, or --type",
                    package.name,
                    package.taken.len()
                ));
            }
            let written = if self.dry_run { Vec::new() } else { package.write()? };
            made.push(described(package, &written));
        }
        let value = json!({"dry_run": self.dry_run, "folder": folder, "packages": made, "not_taken": not_taken});
        session.out.done(&value, || self.told(&folder, &packages, &not_taken))
    }

    fn package(&self) -> Result<Option<PackageName>> {
        let Some(name) = &self.name else { return Ok(None) };
        let name: PackageName = name.parse()?;
        if is_refused_when_new(&name) {
            return Err(Failure::usage(format!(
                "`{name}` holds `--`, which registries take in no new name without a scope: use single hyphens"
            )));
        }
        Ok(Some(name))
    }

    fn scope(&self) -> Result<Option<ScopeName>> {
        let Some(name) = &self.name else { return Ok(None) };
        let scope = name.strip_prefix('@').and_then(|scope| scope.trim_end_matches('/').parse().ok());
        scope
            .map(Some)
            .ok_or_else(|| Failure::usage("With --each, --name is the scope of all packages, as in `--name @my_org`"))
    }

    fn told(&self, folder: &Path, packages: &[Composed], not_taken: &[Detail]) -> Vec<String> {
        let verb = if self.dry_run { "Would make" } else { "Made" };
        let mut lines = Vec::new();
        for package in packages {
            let counted = counted(&package.taken);
            lines.push(format!(
                "{verb} {} {} in {} of {counted}",
                package.name,
                package.version,
                plain(&package.folder.display().to_string())
            ));
            if self.each {
                continue;
            }
            for kind in ArtifactType::ALL {
                let names: Vec<_> =
                    package.taken.iter().filter(|found| found.kind == kind).map(|found| &*found.name).collect();
                if !names.is_empty() {
                    let more = names.len().saturating_sub(NAMED);
                    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                    lines.push(format!("  {}: {}{more}", kind.plural(), names[..names.len().min(NAMED)].join(", ")));
                }
            }
            if self.dry_run {
                lines.push("aam.yaml:".to_owned());
                lines.extend(package.manifest.lines().map(|line| plain(&format!("  {line}"))));
                if let Some(text) = &package.aamignore {
                    lines.push(".aamignore:".to_owned());
                    lines.extend(text.lines().map(|line| plain(&format!("  {line}"))));
                }
            }
        }
        if !not_taken.is_empty() {
            lines.push("Not taken:".to_owned());
            lines.extend(not_taken.iter().map(|detail| plain(&format!("  {}: {}", detail.field, detail.error))));
        }
        if packages.iter().any(|package| !package.manifest.contains("\nlicense: ")) {
            lines.push("No licence was found: others may not use what has none; add `license:` to aam.yaml".to_owned());
        }
        if !self.dry_run {
            if packages.iter().any(|package| package.aamignore.is_some()) {
                lines.push("A new .aamignore keeps everything else that lies there out of the package".to_owned());
            }
            lines.push(match packages {
                [package] if package.folder == *folder => {
                    "Look through aam.yaml, then `aam pkg validate` and `aam pkg publish`".to_owned()
                }
                _ => "Look through each aam.yaml, then `aam pkg publish <FOLDER>` for each folder".to_owned(),
            });
        }
        lines
    }
}

/// Fails where the folder has an `aam.yaml` that its owner does not give up.
fn may_write(folder: &Path, asks: bool) -> Result<()> {
    let path = folder.join("aam.yaml");
    if fs::symlink_metadata(&path).is_err() {
        return Ok(());
    }
    if asks && prompt::yes(&format!("There is a package already: {}. Write it anew?", path.display()))? {
        return Ok(());
    }
    Err(Failure::new(Kind::Conflict, "exists", format!("There is a package already: {}", path.display()))
        .hint("`aam pkg create --dry-run` shows what would be written; remove aam.yaml to have it written, or edit it"))
}

fn nothing(folder: &Path, types: &[String]) -> String {
    let what = if types.is_empty() { "skills, agents, prompts or instructions".to_owned() } else { types.join(" or ") };
    format!("No {what} were found in {}", folder.display())
}

/// What to pass where nobody can be asked.
fn unchosen(found: &[Found]) -> Failure {
    const SHOWN: usize = 20;
    let mut details: Vec<_> = found
        .iter()
        .take(SHOWN)
        .map(|one| Detail::new(one.kind.as_str(), format!("{} ({})", one.name, one.path)))
        .collect();
    if found.len() > SHOWN {
        details.push(Detail::new("…", format!("and {} more", found.len() - SHOWN)));
    }
    Failure::usage(format!("Found {}, and nobody can be asked which to take", counted(found))).details(details).hint(
        "take everything with `--all`, some types with `--all --type skill`, or see it first with `--all --dry-run`",
    )
}

/// `17 skills and 1 agent`.
pub(super) fn counted(found: &[Found]) -> String {
    let count = |kind: ArtifactType| found.iter().filter(|one| one.kind == kind).count();
    let parts: Vec<_> = ArtifactType::ALL
        .into_iter()
        .filter_map(|kind| match count(kind) {
            0 => None,
            1 => Some(format!("1 {}", kind.as_str())),
            many => Some(format!("{many} {}", kind.plural())),
        })
        .collect();
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

fn described(package: &Composed, written: &[&str]) -> Value {
    json!({
        "name": package.name.as_str(),
        "version": package.version.to_string(),
        "folder": package.folder,
        "artifacts": package.taken,
        "manifest": package.manifest,
        "aamignore": package.aamignore,
        "warnings": package.warnings,
        "written": written,
    })
}

/// The path of something of a package, below the folder that was looked in.
fn in_folder(folder: &Path, package: &Composed, path: &str) -> String {
    let below = package.folder.strip_prefix(folder).unwrap_or(Path::new(""));
    below.join(path).display().to_string()
}

/// What is here already, for commands that make something new.
pub(super) fn already_there(folder: &Path) -> Option<String> {
    let Ok(Discovery { found, .. }) = discover(folder, Names::OfAll) else { return None };
    (!found.is_empty()).then(|| counted(&found))
}
