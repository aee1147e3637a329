//! A registry as a folder of files, which clients without a server read:
//!
//! ```text
//! registry.yaml
//! index.yaml
//! packages/acme--review-suite/metadata.yaml
//! packages/acme--review-suite/versions/2.1.0.aam
//! ```

mod documents;
mod files;
mod version;

pub(crate) use documents::{IndexDocument, IndexEntry, PackageDocument, RegistryDocument, VersionEntry};
pub(crate) use files::{digest_of, read_document, write_archive, write_document};
pub(crate) use version::in_file_names;

use std::path::{Path, PathBuf};

use aam_registry_core::types::PackageName;

/// The file that makes a folder a registry.
pub(crate) const REGISTRY: &str = "registry.yaml";
/// The file that lists the packages.
pub(crate) const INDEX: &str = "index.yaml";
/// The folder with a folder for each package.
pub(crate) const PACKAGES: &str = "packages";
/// The file of a package that lists its versions.
pub(crate) const METADATA: &str = "metadata.yaml";
/// The extension of archives.
pub(crate) const EXTENSION: &str = "aam";

/// The folder of a package in the registry at `root`.
pub(crate) fn package_folder(root: &Path, name: &PackageName) -> PathBuf {
    root.join(PACKAGES).join(name.fs_name())
}

/// The archive of a version in the folder of its package; `version` as [`in_file_names`] spells it.
pub(crate) fn archive_file(package_folder: &Path, version: &str) -> PathBuf {
    package_folder.join("versions").join(format!("{version}.{EXTENSION}"))
}
