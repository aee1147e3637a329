//! Gives each artifact a name and place of its own on a platform.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::{Artifact, ArtifactType, PackageName, Sha256Digest};

use super::{
    place::Place,
    plan::Deployable,
    platform::{Platform, Scope},
    roots::Base,
    rules::Target,
};
use crate::failure::{Detail, Failure, Kind, Result};

/// Which packages want a target.
pub(super) type Claimant = (PackageName, ArtifactType, String);

/// The artifacts of a package for each of its platforms.
pub(super) fn artifacts(deployable: &Deployable) -> impl Iterator<Item = (Platform, ArtifactType, &Artifact)> {
    deployable.platforms.iter().flat_map(|platform| {
        deployable.package.manifest.artifacts.iter().map(|(kind, artifact)| (*platform, kind, artifact))
    })
}

/// The packages that want each target, by the names that their artifacts have by themselves.
pub(super) fn claims(packages: &[Deployable], scope: Scope) -> Result<BTreeMap<String, BTreeSet<Claimant>>> {
    let mut claims: BTreeMap<String, BTreeSet<Claimant>> = BTreeMap::new();
    for deployable in packages {
        for (platform, kind, artifact) in artifacts(deployable) {
            if let Some(claim) = claim(platform.targets(scope).of(kind), kind, &artifact.name)? {
                let claimant = (deployable.package.manifest.name.clone(), kind, artifact.name.clone());
                claims.entry(claim).or_default().insert(claimant);
            }
        }
    }
    Ok(claims)
}

/// The name of an artifact where it is deployed: its own name; with that
/// of its package where another package has one of that name; with its type
/// where its package has another artifact of that name there. As if another
/// package had one where it is to stand `apart`.
pub(super) fn name(
    owner: &PackageName,
    kind: ArtifactType,
    artifact: &Artifact,
    claimants: &BTreeSet<Claimant>,
    apart: bool,
) -> String {
    let kinds: BTreeSet<_> =
        claimants.iter().filter(|(package, ..)| package == owner).map(|(_, kind, _)| *kind).collect();
    let plain = if kinds.contains(&ArtifactType::Skill) { Some(&ArtifactType::Skill) } else { kinds.first() };
    let own = match plain {
        Some(plain) if *plain != kind => format!("{}-{}", artifact.name, kind.as_str()),
        _ => artifact.name.clone(),
    };
    let others = rivals(owner, claimants).next().is_some();
    fitting(if others || apart { format!("{}--{own}", owner.fs_name()) } else { own })
}

/// The other packages that want the target.
pub(super) fn rivals<'a>(
    owner: &'a PackageName,
    claimants: &'a BTreeSet<Claimant>,
) -> impl Iterator<Item = &'a PackageName> {
    claimants.iter().map(|(package, ..)| package).filter(move |package| *package != owner)
}

/// A name of at most 64 characters, since tools leave out skills with longer
/// ones: its beginning, and what tells it apart from others that begin alike.
fn fitting(name: String) -> String {
    const MOST: usize = 64;
    if name.chars().count() <= MOST {
        return name;
    }
    let digest = Sha256Digest::of(name.as_bytes()).to_string();
    let begin: String = name.chars().take(MOST - 9).collect();
    format!("{}-{}", begin.trim_end_matches(['-', '_', '.']), &digest[..8])
}

/// The key that is equal for two artifacts which would overwrite each other, whatever the case of their names.
pub(super) fn claim(target: &Target, kind: ArtifactType, name: &str) -> Result<Option<String>> {
    Ok(match target {
        Target::Section { base, file, .. } => {
            Some(format!("{base:?} {file}#{}", section_id(kind, name).to_lowercase()))
        }
        Target::Nowhere(_) => None,
        _ => Some(place(target, name)?.folded()),
    })
}

/// What the markers of a section say.
pub(super) fn section_id(kind: ArtifactType, name: &str) -> String {
    format!("{name} {}", kind.as_str())
}

/// Where an artifact called `name` goes.
pub(super) fn place(target: &Target, name: &str) -> Result<Place> {
    match target {
        Target::Folder { base, folder } | Target::Skill { base, folder, .. } => base.place(&format!("{folder}/{name}")),
        Target::File { base, folder, suffix, .. } => base.place(&format!("{folder}/{name}{suffix}")),
        Target::Section { base, file, .. } => base.place(file),
        Target::Nowhere(_) => Base::Project.place(name),
    }
}

/// Two artifacts whose place is the same, such as that of `a--b` in `@s/p` and that of `b` in `@s/p--a`.
pub(super) fn collision(one: &PackageName, other: &PackageName, what: &str) -> Failure {
    let both = [one, other].map(|package| Detail::new(package.as_str(), format!("wants {what}")));
    if one == other {
        return Failure::invalid(format!("{one} would write {what} twice; nothing was written"))
            .hint("tell its author: two of its artifacts have names that one tool takes for the same");
    }
    Failure::new(Kind::Conflict, "same_place", "Two packages would be written to the same place; nothing was written")
        .details(both.to_vec())
        .hint(format!(
            "install only one of them (`aam uninstall {one}` or `aam uninstall {other}`), or each for other tools with \
             --platform"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_names_stay_within_what_tools_read() {
        assert_eq!(fitting("acme--kit--review".to_owned()), "acme--kit--review");
        let long = |end: &str| fitting(format!("{}--{}--review-{end}", "s".repeat(40), "n".repeat(40)));
        assert!(long("a").len() <= 64 && long("a") != long("b") && long("a") == long("a"));
    }
}
