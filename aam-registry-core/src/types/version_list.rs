use crate::types::{Version, VersionSummary};

/// A part of the versions of a package, newest published first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VersionList {
    /// The versions within the requested [bounds](VersionBounds).
    pub versions: Vec<VersionSummary>,
    /// How many versions the package has in total.
    pub total: u64,
    /// Whether the package has versions that were published before these.
    pub has_older: bool,
}

impl VersionList {
    /// The value of [`VersionRange::before`] for the next part; `None` if this is the last part.
    pub fn next_before(&self) -> Option<&Version> {
        self.versions.last().filter(|_| self.has_older).map(|last| &last.version)
    }
}

/// Which versions of a package to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// Only versions published before this one; `None` for the newest. Build metadata does not matter.
    /// If this version does not exist, the list is empty.
    pub before: Option<Version>,
    /// How many to read.
    pub bounds: VersionBounds,
}

/// How many versions are read at a time.
///
/// A package may have any number of versions with hundreds of dependencies each, which is too much
/// memory for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionBounds {
    /// The most versions.
    pub versions: usize,
    /// The most bytes of the dependencies of all versions but the last. Each dependency counts the
    /// bytes of its name and its constraint, and 6 more.
    pub dependencies: usize,
}

impl VersionBounds {
    /// The bounds of one answer to a client: 1,000 versions with 256 KiB of dependencies, which take a processor a few
    /// milliseconds.
    pub const LISTED: Self = Self { versions: 1000, dependencies: 256 << 10 };
    /// The bounds when a version is chosen: 100,000 versions with 1 MiB of dependencies.
    pub const CHOSEN_FROM: Self = Self { versions: 100_000, dependencies: 1 << 20 };

    /// How many versions are within the bounds, given the `sizes` of their dependencies.
    pub fn count(&self, sizes: impl IntoIterator<Item = usize>) -> usize {
        let mut taken: usize = 0;
        let within = |size: &usize| {
            let fits = taken < self.dependencies;
            taken = taken.saturating_add(*size);
            fits
        };
        sizes.into_iter().take(self.versions).take_while(within).count()
    }
}

impl VersionSummary {
    /// The size of its dependencies as [`VersionBounds`] counts it.
    pub fn dependencies_size(&self) -> usize {
        let size = |(name, constraint): (&super::PackageName, &super::Constraint)| {
            name.as_str().len() + constraint.as_str().len() + 6
        };
        self.dependencies.iter().map(size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_always_within_the_bounds_and_what_goes_beyond_is_the_last() {
        let bounds = VersionBounds { versions: 3, dependencies: 100 };
        assert_eq!(bounds.count([]), 0);
        assert_eq!(bounds.count([500, 1]), 1);
        assert_eq!(bounds.count([99, 500, 1]), 2);
        assert_eq!(bounds.count([0; 9]), 3);
    }
}
