use crate::{
    error::{Error, Result},
    registry::{
        View,
        packages::{highest_hint, why_none},
    },
    types::{Constraint, DistTag, PackageName, PublishedVersion, Selector, Version, VersionSummary},
};

impl View<'_> {
    /// The version of a package that `selector` selects.
    ///
    /// A constraint selects the highest version that matches and is not yanked; a constraint that is
    /// one exact version selects that version even if it is yanked. A dist-tag selects the version it
    /// names.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`],
    /// [`Error::TagNotFound`].
    pub async fn resolve(&self, name: &PackageName, selector: &Selector) -> Result<VersionSummary> {
        let version = match selector {
            Selector::Constraint(constraint) => highest_match(name, &self.version_numbers(name).await?, constraint)?,
            Selector::Tag(tag) => self.tagged(name, tag).await?,
        };
        Ok(self.located_version(name, &version).await?.summary)
    }

    /// The version `tag` names.
    pub(super) async fn tagged(&self, name: &PackageName, tag: &DistTag) -> Result<Version> {
        if let Some(named) = self.tags(name).await?.remove(tag) {
            return Ok(named);
        }
        if tag.is_latest() {
            let why = why_none(&self.all_numbers(name).await?);
            return Err(Error::version_not_found(name, format_args!("tagged `latest`; {why}")));
        }
        Err(Error::TagNotFound { package: name.clone(), tag: tag.to_string() })
    }
}

/// The version among `numbers` that `constraint` selects.
pub(super) fn highest_match(
    name: &PackageName,
    numbers: &[PublishedVersion],
    constraint: &Constraint,
) -> Result<Version> {
    let eligible = |version: &&PublishedVersion| version.visible || constraint.exact().is_some();
    let matching = numbers.iter().filter(eligible).map(|one| &one.version).filter(|one| constraint.matches(one));
    matching
        .max()
        .cloned()
        .ok_or_else(|| Error::version_not_found(name, format_args!("matching {constraint}{}", highest_hint(numbers))))
}
