use crate::{
    error::{Error, Result},
    registry::{Registry, packages::highest_hint},
    types::{Constraint, DistTag, Package, PackageName, Selector, VersionSummary},
};

impl Registry {
    /// The version of a package that `selector` means.
    ///
    /// A constraint means the highest version that matches and is not yanked,
    /// or the very version it names, yanked or not; a dist-tag the version it
    /// names.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`],
    /// [`Error::TagNotFound`].
    pub async fn resolve(&self, name: &PackageName, selector: &Selector) -> Result<VersionSummary> {
        match selector {
            Selector::Constraint(constraint) => highest_match(name, self.versions(name).await?, constraint),
            Selector::Tag(tag) => tagged(self.package(name).await?, tag),
        }
    }
}

/// The version `constraint` means among `versions`.
pub(super) fn highest_match(
    name: &PackageName,
    versions: Vec<VersionSummary>,
    constraint: &Constraint,
) -> Result<VersionSummary> {
    let hint = highest_hint(&versions);
    let eligible = |version: &VersionSummary| !version.yanked || constraint.exact().is_some();
    let matching = versions.into_iter().filter(|version| eligible(version) && constraint.matches(&version.version));
    matching
        .max_by(|a, b| a.version.cmp(&b.version))
        .ok_or_else(|| Error::version_not_found(name, format_args!("matching {constraint}{hint}")))
}

/// The version `tag` names.
pub(super) fn tagged(package: Package, tag: &DistTag) -> Result<VersionSummary> {
    let Package { name, dist_tags, versions, .. } = package;
    let named = dist_tags.get(tag).and_then(|version| versions.into_iter().find(|known| known.version == *version));
    named.ok_or_else(|| {
        if tag.is_latest() {
            Error::version_not_found(&name, "tagged `latest`; all its versions are yanked")
        } else {
            Error::TagNotFound { package: name, tag: tag.to_string() }
        }
    })
}
