//! What a change may have made stale.

use crate::types::{PackageName, ScopeName};

/// What a change may have made stale.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// What is known of a package and its versions.
    Package(PackageName),
    /// What is known of every package in a scope.
    Scope(ScopeName),
    /// Anything, even which archive a version has: as where the database was
    /// restored, or another server took its place.
    Everything,
}
