//! The ids of rows, by which tables refer to one another.

/// The id of a package.
pub(super) type PackageId = i64;

/// The id of a version; later published ones have higher ids.
pub(super) type VersionId = i64;
