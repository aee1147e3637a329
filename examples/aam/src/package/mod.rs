//! Packages on this machine: making, checking, packing them.

use aam_registry_core::types::{PackageName, Version};

/// The file name of an archive: `name-1.0.0.aam`, `scope-name-1.0.0.aam`.
pub(crate) fn archive_name(name: &PackageName, version: &Version) -> String {
    let scope = name.scope().map(|scope| format!("{scope}-")).unwrap_or_default();
    format!("{scope}{}-{version}.aam", name.bare())
}
