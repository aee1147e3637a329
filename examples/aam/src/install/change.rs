//! From one lock file to another: the project follows, wholly or not at all
//! where something of a person's is in the way.

use std::{collections::BTreeSet, path::Path};

use aam_registry_core::types::PackageName;
use serde::Serialize;

use super::{fetch::Job, packages::Packages};
use crate::{
    deploy::{self, Applied, Plan, Platform, Policy, Roots},
    failure::{Failure, Kind, Result},
    interrupt::{INTERRUPTED, Writing},
    output::plain,
    project::{LockFile, Project, State, StateFile, Unfinished, Unpacked},
    session::{FOREIGN_REGISTRY, Session},
    text::Text,
};

/// A change to make.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) before: &'a LockFile,
    pub(crate) after: &'a LockFile,
    pub(crate) policy: Policy,
    /// Whether archives that are unpacked already are fetched again.
    pub(crate) afresh: bool,
    /// Whether files of a person stop the change, or are only kept.
    pub(crate) strict: bool,
    /// Whether changed files stop it, too, where nothing new is to stand.
    pub(crate) exact: bool,
}

/// What became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) installed: Vec<Moved>,
    pub(crate) removed: Vec<Moved>,
    pub(crate) warnings: Vec<String>,
    /// What platforms cannot take.
    pub(crate) remarks: Vec<String>,
    pub(crate) files: Applied,
    /// What an earlier aam wrote at places that no tool reads, and what has another place now.
    pub(crate) moved: Vec<String>,
}

/// One package that came, went or changed.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    pub(crate) name: String,
    pub(crate) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    pub(crate) platforms: Vec<&'static str>,
}

/// Makes the change. The caller holds the project's guard. Where its user stops it, the project is what it was before.
pub(crate) async fn change(session: &Session, project: &Project, change: &Change<'_>) -> Result<Report> {
    let interrupted = match make(session, project, change, Purpose::Asked).await {
        Err(failure) if &*failure.code == INTERRUPTED => failure,
        made => return made,
    };
    session.out.waiting("Stopping: what was written so far is taken back");
    Err(match go_back(session, project, change.before).await {
        Ok(()) => interrupted,
        Err(why) => Failure { message: format!("Stopped half way: {why}").into(), ..interrupted }
            .hint("the next install, update or uninstall here takes back what was written so far"),
    })
}

/// Makes the project what `lock` says, which it was before a change that was cut short.
async fn go_back(session: &Session, project: &Project, lock: &LockFile) -> Result<()> {
    let back = Change { before: lock, after: lock, policy: Policy::Keep, afresh: false, strict: false, exact: false };
    make(session, project, &back, Purpose::GoBack).await.map(drop)
}

/// What a change is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Asked,
    /// To take back what a change wrote that was cut short; all of it is on record.
    GoBack,
}

async fn make(session: &Session, project: &Project, change: &Change<'_>, purpose: Purpose) -> Result<Report> {
    let file = StateFile::of(&session.home, project)?;
    let mut state = file.read()?;
    let others = file.others()?;
    let roots = Roots::new(project.folder().again());
    let workshop = tempfile::Builder::new()
        .prefix("aam-")
        .tempdir()
        .map_err(|error| Failure::io("make a folder in", &std::env::temp_dir(), &error))?;
    let mut packages = Packages::default();
    let elsewhere = file.unpacked_elsewhere()?;
    if !change.afresh {
        packages.take_unpacked(project, &state, &elsewhere, change.after);
    }
    packages.fetch(session, change.after, workshop.path()).await?;
    if change.policy == Policy::Keep && purpose == Purpose::Asked {
        packages.refuse_quarantined(&state, change.after)?;
    }
    let plan = deploy::plan(&packages.of(change.after), project.scope(), &roots, &state.deployed)?;
    let mut warnings = Vec::new();
    let here = Here { session, project, roots: &roots, elsewhere: &elsewhere, workshop: workshop.path() };
    let adopted = match purpose {
        Purpose::Asked => adopt(&here, &mut state, change, &mut packages, &plan).await?,
        Purpose::GoBack => Adoption::default(),
    };
    packages.note_unpacked(&mut state);
    warnings.extend(adopted.warnings);
    if change.strict {
        deploy::check(&roots, &state.deployed, &plan, &change.policy, change.exact)?;
    }
    // What would stop it half way is found before it begins.
    for name in change.before.packages.keys().chain(change.after.packages.keys()) {
        project.folder().folder(&project.package(name))?;
    }
    // From here on, what a run writes that is cut short is taken back: by itself, or by the next one.
    let writing = (purpose == Purpose::Asked).then(Writing::begin);
    let interrupted = state.unfinished.take();
    let id = match (&interrupted, purpose) {
        // While it is taken back it stays the same change.
        (Some(unfinished), Purpose::GoBack) => unfinished.id.clone(),
        _ => format!("{:032x}", rand::random::<u128>()),
    };
    project.mark(&id)?;
    state.unfinished = match (&interrupted, purpose) {
        (Some(unfinished), Purpose::GoBack) => Some(unfinished.clone()),
        _ => Some(Unfinished { id, before: change.before.clone(), after: change.after.clone() }),
    };
    if let Err(failure) = file.write(&state) {
        // What cannot be put on record is not begun.
        if purpose == Purpose::Asked {
            project.unmark()?;
        }
        return Err(failure);
    }
    packages.unpack(project, &mut state, change.after)?;
    deploy::announce(&roots, &mut state.deployed, &plan, &change.policy)?;
    file.write(&state)?;
    let applied = deploy::apply(&roots, &mut state.deployed, &plan, &change.policy, &others);
    // What was written must be on record even where something went wrong half way.
    file.write(&state)?;
    let mut applied = applied?;
    applied.kept.extend(finish(project, &mut state, change, &packages)?);
    if let Some(interrupted) = &interrupted {
        remove_unpacked_by(project, interrupted, change.after)?;
    }
    state.unfinished = None;
    file.write(&state)?;
    project.unmark()?;
    drop(writing);
    applied.kept.extend(adopted.kept);
    // What moved was removed from where it was.
    let moved: BTreeSet<_> = adopted.moved.into_iter().collect();
    applied.removed.retain(|removed| !moved.contains(removed));
    warnings.extend(packages.warnings.iter().map(|text| plain(text)));
    warnings.extend(acting(change, &plan).map(|text| plain(&text)));
    Ok(report(change, warnings, plan.remarks.into_iter().collect(), applied, moved.into_iter().collect()))
}

/// What the registries say of the packages of `lock` that stay as they are in `change`: yanked, deprecated.
pub(crate) async fn told_of(session: &Session, before: &LockFile, after: &LockFile) -> Result<Vec<String>> {
    let mut jobs = Vec::new();
    for (Text(name), package) in &after.packages {
        if before.get(name).is_some_and(|before| before.sha256 == package.sha256) {
            jobs.push(Job { name, package, client: session.client_of_lock(&package.registry)? });
        }
    }
    let told = async { Ok(super::fetch::told_of(jobs).await) };
    let told = session.patience.ceilings().in_transfer_time(told).await?;
    Ok(told.iter().map(|text| plain(text)).collect())
}

/// The versions of `lock` that their registries have recalled, one line each; a registry that cannot be asked now says
/// nothing.
pub(crate) async fn recalled(session: &Session, lock: &LockFile) -> Vec<String> {
    let registries: BTreeSet<_> = lock.packages.values().map(|package| package.registry.0.clone()).collect();
    let mut told = Vec::new();
    for registry in registries {
        let Ok(client) = session.client_of_lock(&registry) else { continue };
        let recalls = client.recalls().await.unwrap_or_default();
        for (name, package) in lock.packages.iter().filter(|(_, package)| *package.registry == registry) {
            let recall = recalls.iter().find(|recall| recall.concerns(name, &package.version, *package.sha256));
            told.extend(recall.map(|recall| {
                let text = format!(
                    "{name} {} was recalled: {} ({}); see what to do with `aam audit`",
                    *package.version, recall.reason, recall.category
                );
                plain(&text)
            }));
        }
    }
    told
}

/// Takes back what an earlier run wrote that was cut short, where this still is its project: the project becomes what
/// its lock file says. Nothing comes in that this command was not asked for.
///
/// Returns the packages whose removal had come so far that it was finished instead.
pub(crate) async fn take_back_interrupted(session: &Session, project: &Project) -> Result<BTreeSet<PackageName>> {
    let none = BTreeSet::new();
    let file = StateFile::of(&session.home, project)?;
    let mut state = file.read()?;
    let Some(unfinished) = state.unfinished.clone() else { return project.unmark().map(|()| none) };
    if project.marked()?.as_ref() != Some(&unfinished.id) {
        // Another project is at this path now: what is on record was not written in it.
        file.write(&State::default())?;
        return project.unmark().map(|()| none);
    }
    deploy::sweep(&Roots::new(project.folder().again()), &state.deployed);
    let now = LockFile::read(project, session.out)?.unwrap_or_default();
    if now == unfinished.after {
        session.out.note("Finishing what an interrupted run of aam left half done");
    } else if now == unfinished.before {
        session.out.note("Taking back what an interrupted run of aam left half done");
    } else {
        // Somebody brought another lock file; what is on record goes by that.
        state.unfinished = None;
        file.write(&state)?;
        return project.unmark().map(|()| none);
    }
    if let Err(failure) = go_back(session, project, &now).await {
        // It stays on record, and this command goes by what is.
        session.out.warn(&format!("it cannot be done now: {failure}"));
    }
    let removed = unfinished.before.packages.keys().filter(|name| !now.packages.contains_key(*name));
    Ok(removed.map(|Text(name)| name.clone()).collect())
}

/// Says that an interrupted run left files, for commands that change nothing.
pub(crate) fn tell_interrupted(session: &Session, project: &Project) -> Result<()> {
    let unfinished = StateFile::of(&session.home, project)?.read()?.unfinished;
    if unfinished.is_some_and(|unfinished| project.marked().ok().flatten() == Some(unfinished.id)) {
        session.out.waiting(
            "warning: an interrupted run of aam left files half written here; the next install, update or uninstall \
             takes them back",
        );
    }
    Ok(())
}

/// Removes what a change that was cut short unpacked, and is not in `lock`.
fn remove_unpacked_by(project: &Project, interrupted: &Unfinished, lock: &LockFile) -> Result<()> {
    for name in interrupted.before.packages.keys().chain(interrupted.after.packages.keys()) {
        if !lock.packages.contains_key(name) {
            let folder = project.package(name);
            project.folder().remove_all(&folder)?;
            if name.scope().is_some()
                && let Some((scope, _)) = folder.rsplit_once('/')
            {
                project.folder().remove_empty(scope);
            }
        }
    }
    Ok(())
}

/// What is known of installs that are not on record here.
#[derive(Debug, Default)]
struct Adoption {
    warnings: Vec<String>,
    kept: Vec<String>,
    moved: Vec<String>,
}

/// Where a change is made, and what is at hand for it.
struct Here<'a> {
    session: &'a Session,
    project: &'a Project,
    roots: &'a Roots,
    /// What was unpacked in other projects.
    elsewhere: &'a [(Text<PackageName>, Unpacked)],
    workshop: &'a Path,
}

async fn adopt(
    here: &Here<'_>,
    state: &mut State,
    change: &Change<'_>,
    packages: &mut Packages,
    after: &Plan,
) -> Result<Adoption> {
    let Here { session, project, roots, elsewhere, workshop } = *here;
    let on_record =
        |name: &Text<PackageName>, sha256| state.unpacked.get(name).is_some_and(|unpacked| unpacked.sha256 == sha256);
    if change.before.packages.iter().all(|(name, package)| on_record(name, package.sha256)) {
        return Ok(Adoption::default());
    }
    let mut adoption = Adoption::default();
    packages.take_unpacked(project, state, elsewhere, change.before);
    if let Err(failure) = packages.fetch(session, change.before, workshop).await {
        if &*failure.code == FOREIGN_REGISTRY {
            return Err(failure);
        }
        if failure.kind == Kind::Unavailable && !change.strict {
            return Err(failure.hint(
                "this install is not on record on this machine; the package is needed to tell its files from yours",
            ));
        }
        adoption.warnings.push(format!("what was installed before cannot be fetched, so its files stay: {failure}"));
    }
    let before = packages.of(change.before);
    let plan = deploy::plan(&before, project.scope(), roots, &state.deployed)?;
    let earlier = deploy::earlier(&before)?;
    let found = deploy::adopt(roots, &mut state.deployed, &plan, &earlier, after)?;
    if !change.strict {
        adoption.warnings.push(
            "this install was not on record on this machine: what equals the packages was removed, nothing else"
                .to_owned(),
        );
    }
    adoption.kept.extend(found.foreign.iter().map(|place| format!("{place}: it is not what was installed")));
    if !found.of_user.is_empty() {
        adoption.warnings.push(format!(
            "an earlier aam put {} there for all your projects; remove it when no other project needs it",
            found.of_user.join(", ")
        ));
    }
    adoption.moved = found.moved;
    Ok(adoption)
}

/// Removes the packages that are no more, and writes the lock file; the last
/// package takes everything of ours along. Says what stays of the packages.
fn finish(project: &Project, state: &mut State, change: &Change<'_>, packages: &Packages) -> Result<Vec<String>> {
    let lock = change.after;
    let gone: Vec<_> = state.unpacked.keys().filter(|name| !lock.packages.contains_key(*name)).cloned().collect();
    for name in &gone {
        project.folder().remove_all(&project.package(name))?;
        state.unpacked.remove(name);
    }
    let mut kept = Vec::new();
    let gone_from_lock = || change.before.packages.iter().filter(|(name, _)| !lock.packages.contains_key(*name));
    for (name, locked) in gone_from_lock().filter(|(name, _)| !gone.contains(name)) {
        kept.extend(packages.remove_unrecorded(project, name, locked)?);
    }
    for name in gone.iter().chain(gone_from_lock().map(|(name, _)| name)).filter(|name| name.scope().is_some()) {
        if let Some((scope, _)) = project.package(name).rsplit_once('/') {
            project.folder().remove_empty(scope);
        }
    }
    project.folder().remove_file(&project.earlier_record())?;
    if lock.packages.is_empty() {
        project.folder().remove_file(&project.lock_file())?;
    } else {
        lock.write(project)?;
    }
    Ok(kept)
}

/// What runs commands or lifts restrictions of the packages that came or changed, one line each.
fn acting<'a>(change: &'a Change<'_>, plan: &'a Plan) -> impl Iterator<Item = String> + 'a {
    let is_new = |name: &PackageName| {
        let (before, after) = (change.before.get(name), change.after.get(name));
        change.afresh
            || before.map(|before| (before.sha256, &before.platforms))
                != after.map(|after| (after.sha256, &after.platforms))
    };
    let new = plan.powers.iter().filter(move |(name, powers)| !powers.is_empty() && is_new(name));
    new.map(|(name, powers)| {
        let powers: Vec<_> = powers.iter().map(String::as_str).collect();
        format!("{name} acts on this machine when its tool uses it: {}", powers.join("; "))
    })
}

fn report(
    change: &Change<'_>,
    warnings: Vec<String>,
    remarks: Vec<String>,
    files: Applied,
    moved: Vec<String>,
) -> Report {
    let platforms = |platforms: &BTreeSet<Text<Platform>>| platforms.iter().map(|platform| platform.as_str()).collect();
    let mut installed = Vec::new();
    for (name, package) in &change.after.packages {
        let before = change.before.packages.get(name);
        let same =
            before.is_some_and(|before| before.sha256 == package.sha256 && before.platforms == package.platforms);
        if !same || change.afresh {
            installed.push(Moved {
                name: name.to_string(),
                version: package.version.to_string(),
                from: before
                    .map(|before| before.version.to_string())
                    .filter(|from| *from != package.version.to_string()),
                platforms: platforms(&package.platforms),
            });
        }
    }
    let gone = change.before.packages.iter().filter(|(name, _)| !change.after.packages.contains_key(*name));
    let removed = gone.map(|(name, package)| Moved {
        name: name.to_string(),
        version: package.version.to_string(),
        from: None,
        platforms: platforms(&package.platforms),
    });
    Report { installed, removed: removed.collect(), warnings, remarks, files, moved }
}
