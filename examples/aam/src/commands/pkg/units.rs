//! From what a folder holds to one package, or one for each part of it.

use std::{collections::BTreeMap, path::Path};

use aam_registry_core::types::{PackageName, ScopeName};

use super::already_made::AlreadyMade;
use crate::{
    failure::{Detail, Failure, Result},
    package::{Composed, Discovery, Found, about, compose},
};

/// One package of everything.
pub(super) fn one(folder: &Path, name: Option<PackageName>, discovery: Discovery) -> Result<Composed> {
    let about = about(folder, folder);
    let name = name.or_else(|| about.name.clone()).ok_or_else(nameless)?;
    let made = AlreadyMade::of(folder, &discovery.files);
    if let Some(other) = made.called(&name, "") {
        return Err(Failure::usage(format!("{other} is a package called {name} already"))
            .hint("give this one another name with --name, or publish that one by its folder"));
    }
    let mut composed = compose(folder, name, &about, discovery.found, &discovery.files)?;
    let mut holding: Vec<_> = made.holding(&composed.taken).collect();
    let more = match holding.len().saturating_sub(1) {
        0 => String::new(),
        more => format!("; {more} more below are packages already, too"),
    };
    holding.truncate(1);
    composed.warnings.extend(holding.into_iter().map(|(path, named)| {
        Detail::new(path, format!("is {named} already; what lies there goes into this package, too{more}"))
    }));
    Ok(composed)
}

/// A package of each plugin that has a folder of its own, else of each skill, in `scope`.
pub(super) fn each(
    folder: &Path,
    scope: Option<&ScopeName>,
    discovery: Discovery,
    not_taken: &mut Vec<Detail>,
) -> Result<Vec<Composed>> {
    let mut units: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for mut found in discovery.found {
        let Some(unit) = found.unit().map(str::to_owned) else {
            let why = "has no folder of its own to be a package; take it without --each";
            not_taken.push(Detail::new(found.path, why));
            continue;
        };
        let inside = found.path.strip_prefix(&*unit).unwrap_or(&found.path);
        found.path = inside.trim_start_matches('/').into();
        units.entry(unit).or_default().push(found);
    }
    let mut packages = Vec::new();
    let mut names = BTreeMap::new();
    let made = AlreadyMade::of(folder, &discovery.files);
    for (unit, found) in units {
        let place = folder.join(&unit);
        let shown = if unit.is_empty() { "SKILL.md".to_owned() } else { unit.clone() };
        if let Some(told) = made.told(folder, &unit) {
            not_taken.push(Detail::new(shown, told));
            continue;
        }
        let about = about(&place, folder);
        let own = about.name.clone().and_then(|name| match scope {
            Some(scope) => PackageName::scoped(scope, name.bare()).ok(),
            None => Some(name),
        });
        let Some(name) = own else {
            let why =
                "has no name that a package can have; make it by itself with `aam pkg create <FOLDER> --name <NAME>`";
            not_taken.push(Detail::new(shown, why));
            continue;
        };
        let other = made.called(&name, &unit).or_else(|| names.get(&name).cloned());
        if let Some(other) = other {
            let why = format!("would be another package called {name}, as {other} is; make it by itself, with --name");
            not_taken.push(Detail::new(shown, why));
            continue;
        }
        names.insert(name.clone(), shown.clone());
        let below = |file: &String| file.strip_prefix(&*unit).map(|file| file.trim_start_matches('/').to_owned());
        let files: Vec<String> =
            discovery.files.iter().filter(|file| crate::package::is_below(file, &unit)).filter_map(below).collect();
        match compose(&place, name, &about, found, &files) {
            Ok(package) => packages.push(package),
            Err(failure) if failure.details.is_empty() => not_taken.push(Detail::new(shown, &*failure.message)),
            Err(failure) => {
                let in_unit = |detail: Detail| Detail::new(place_of(&unit, &detail.field), detail.error);
                not_taken.extend(failure.details.into_iter().map(in_unit));
            }
        }
    }
    if packages.is_empty() {
        let failure = Failure::invalid("No package can be made with --each that is not one already");
        return Err(failure.details(std::mem::take(not_taken)));
    }
    Ok(packages)
}

fn place_of(unit: &str, path: &str) -> String {
    if unit.is_empty() { path.to_owned() } else { format!("{unit}/{path}") }
}

fn nameless() -> Failure {
    Failure::usage("Nothing here names a package: give one with --name, as in `--name @my_org/my-skills`")
}
