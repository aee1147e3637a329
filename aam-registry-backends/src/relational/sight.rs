//! Answers about many packages, narrowed to the private ones that a viewer sees.

use aam_registry_core::{
    error::InvalidName,
    types::{Collaborator, PackageName, Scope, ScopeName, Sight, Visibility},
};

/// How many collaborators of a scope to read: enough to tell which are listed, and whether there are more.
pub(crate) fn collaborators_to_read(scope: &ScopeName, sight: &Sight) -> usize {
    if sight.is_public_only() || sight.sees_all_of(scope) { Scope::MAX_COLLABORATORS + 1 } else { usize::MAX }
}

/// The collaborators that are listed, and whether there are more, out of those that were read in order.
pub(crate) fn collaborators_in_sight(
    read: Vec<(Collaborator, Visibility)>,
    sight: &Sight,
) -> (Vec<Collaborator>, bool) {
    let seen = |(collaborator, visibility): (Collaborator, Visibility)| {
        (!visibility.is_private() || sight.sees(&collaborator.package)).then_some(collaborator)
    };
    let mut seen: Vec<_> = read.into_iter().filter_map(seen).collect();
    let has_more = seen.len() > Scope::MAX_COLLABORATORS;
    seen.truncate(Scope::MAX_COLLABORATORS);
    (seen, has_more)
}

/// The public packages and those of the private ones that are in sight, by name.
pub(crate) fn packages_in_sight<'a>(
    public: impl IntoIterator<Item = &'a str>,
    private: impl IntoIterator<Item = &'a str>,
    sight: &Sight,
) -> Result<Vec<PackageName>, InvalidName> {
    let private = private.into_iter().map(str::parse::<PackageName>).collect::<Result<Vec<_>, _>>()?;
    let mut packages = public.into_iter().map(str::parse).collect::<Result<Vec<PackageName>, _>>()?;
    packages.extend(private.into_iter().filter(|name| sight.sees(name)));
    packages.sort();
    Ok(packages)
}
