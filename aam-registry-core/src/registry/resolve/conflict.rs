//! Explains to a person why a resolution has no solution.

use std::{collections::BTreeMap, fmt};

use super::solver::{Clash, Demand};
use crate::{
    error::{Detail, Error},
    types::{PackageName, Selector, Version},
};

/// The error that names which versions demand what, and which demand to relax. `wanted` is the request.
pub(super) fn conflict(clash: &Clash, wanted: &BTreeMap<PackageName, Selector>) -> Error {
    let Clash { package, demands, .. } = clash;
    let detail = |text: String| Detail::new(package.as_str(), text);
    let mut details: Vec<_> = demands
        .iter()
        .map(|demand| {
            let words = Words::of(demand, wanted.get(package));
            detail(format!("{} {words}{}", demander(demand), path(demand)))
        })
        .collect();
    if clash.others > 0 {
        details.push(detail(format!("{} more need it too", clash.others)));
    }
    if !clash.exists {
        details.push(detail("does not exist in this registry; publish it, or remove the dependency".to_owned()));
        return Error::ResolutionConflict {
            message: format!("Package {package} is needed but does not exist"),
            details,
        };
    }
    let is_shared = demands.len() + clash.others > 1;
    let before = details.len();
    for demand in demands.iter().filter(|_| is_shared) {
        if let Some(version) = &demand.without {
            details.push(detail(format!(
                "{}, {version} would do",
                relax(demand, &Words::of(demand, wanted.get(package)).constraint)
            )));
        }
    }
    if details.len() == before {
        details.push(detail(match &clash.highest {
            None => "has no version that is not yanked".to_owned(),
            Some(highest) if is_shared => {
                format!("has no version that would do without any one of these; the highest is {highest}")
            }
            Some(highest) => {
                format!("has no version that any of these would accept; the highest is {highest}")
            }
        }));
    }
    let message = match demands.as_slice() {
        [only] if !is_shared => {
            format!(
                "No version of {package} satisfies {}, which {}",
                Words::of(only, wanted.get(package)),
                demander(only)
            )
        }
        _ => format!("No version of {package} satisfies everybody who needs it; relax one of the demands"),
    };
    Error::ResolutionConflict { message, details }
}

fn demander(demand: &Demand) -> String {
    demand.by.as_ref().map_or_else(|| "you ask for".to_owned(), |(name, version)| format!("{name} {version} needs"))
}

/// By which versions the one with the demand is needed, if the request does not name it itself.
fn path(demand: &Demand) -> String {
    let through = demand.through.iter().rev().map(|(name, version)| format!("needed by {name} {version}"));
    let through: Vec<_> = through.collect();
    if through.is_empty() { String::new() } else { format!(" ({})", through.join(", ")) }
}

fn relax(demand: &Demand, constraint: &str) -> String {
    match &demand.by {
        None => format!("if you did not ask for {constraint}"),
        Some((name, version)) if demand.another_helps => {
            format!("with another version of {name} than {version}, or without its {constraint}")
        }
        Some((name, _)) => format!("no other version of {name} helps; without its {constraint}"),
    }
}

/// A demand as it was written.
struct Words<'a> {
    constraint: String,
    /// The version that a tag names.
    names: Option<&'a Version>,
}

impl<'a> Words<'a> {
    /// `asked` is what the request says of the package.
    fn of(demand: &'a Demand, asked: Option<&Selector>) -> Self {
        match (&demand.by, asked) {
            // The search knows a tag only as the version that it names.
            (None, Some(Selector::Tag(tag))) => Self { constraint: tag.to_string(), names: demand.constraint.exact() },
            _ => Self { constraint: demand.constraint.to_string(), names: None },
        }
    }
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.constraint)?;
        self.names.map_or(Ok(()), |version| write!(f, ", which is {version}"))
    }
}
