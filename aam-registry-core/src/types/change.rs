//! What a change affects.

use crate::types::{PackageName, ScopeName};

/// What a change may have made stale in caches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A package and its versions.
    Package(PackageName),
    /// Every package in a scope.
    Scope(ScopeName),
    /// Everything, even the archives of versions: for example, the database was restored, or another
    /// server took its place.
    Everything,
}
