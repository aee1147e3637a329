//! How a failed search for versions is told to a person.

use super::solver::{Clash, Demand, Universe};
use crate::{
    error::{Detail, Error},
    types::VersionSummary,
};

/// The error that names who demands what, and what to relax.
pub(super) fn conflict(clash: &Clash, universe: &Universe) -> Error {
    let Clash { package, demands } = clash;
    let detail = |text: String| Detail::new(package.as_str(), text);
    let mut details: Vec<_> =
        demands.iter().map(|demand| detail(format!("{} {}", demander(demand), demand.constraint))).collect();
    let Some(versions) = universe.get(package).and_then(Option::as_deref) else {
        details.push(detail("does not exist in this registry; publish it, or remove the dependency".to_owned()));
        return Error::ResolutionConflict {
            message: format!("Package {package} is needed but does not exist"),
            details,
        };
    };
    let mut relaxed = false;
    for demand in demands.iter().filter(|_| demands.len() > 1) {
        if let Some(would_do) = highest(versions, demands, Some(demand)) {
            relaxed = true;
            details.push(detail(format!("{}, {} would do", relax(demand), would_do.version)));
        }
    }
    if !relaxed {
        let existing = highest(versions, &[], None);
        details.push(detail(existing.map_or_else(
            || "has no version that is not yanked".to_owned(),
            |highest| format!("has no version that any of these would accept; the highest is {}", highest.version),
        )));
    }
    let message = match demands.as_slice() {
        [only] => format!("No version of {package} satisfies {}, which {}", only.constraint, demander(only)),
        _ => format!("No version of {package} satisfies everybody who needs it; relax one of the demands"),
    };
    Error::ResolutionConflict { message, details }
}

/// The highest version that meets all `demands` but `without`.
fn highest<'a>(
    versions: &'a [VersionSummary],
    demands: &[Demand],
    without: Option<&Demand>,
) -> Option<&'a VersionSummary> {
    let meets = |version: &VersionSummary| {
        let others = demands.iter().filter(|demand| Some(*demand) != without);
        others.map(|demand| &demand.constraint).all(|constraint| constraint.matches(&version.version))
    };
    versions.iter().find(|version| !version.yanked && meets(version))
}

fn demander(demand: &Demand) -> String {
    demand.by.as_ref().map_or_else(|| "you ask for".to_owned(), |(name, version)| format!("{name} {version} needs"))
}

fn relax(demand: &Demand) -> String {
    match &demand.by {
        None => format!("if you did not ask for {}", demand.constraint),
        Some((name, version)) => {
            format!("with another version of {name} than {version}, or without its {}", demand.constraint)
        }
    }
}
