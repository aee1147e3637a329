//! Packages on this machine: making, checking, packing them.

mod artifacts;
mod compose;
mod discover;
mod front_matter;
mod ignore;
mod inside;
mod inspect;
mod packed;
mod secrets;
mod skeleton;
mod source;

use std::path::Path;

use aam_registry_core::types::{ManifestFault, PackageName, Version};

use crate::failure::{Detail, Failure};

pub(crate) use compose::{Composed, compose};
pub(crate) use discover::{Discovery, Found, Names, about, discover, is_below, package_name};
pub(crate) use ignore::Reason;
pub(crate) use inside::{MAX_TEXT, Unread, read as read_inside};
pub(crate) use inspect::{inspect, is_refused_when_new};
pub(crate) use packed::Packed;
pub(crate) use skeleton::{Skeleton, write as write_skeleton};

/// The file name of an archive: `name-1.0.0.aam`, `scope-name-1.0.0.aam`.
pub(crate) fn archive_name(name: &PackageName, version: &Version) -> String {
    let scope = name.scope().map(|scope| format!("{scope}-")).unwrap_or_default();
    format!("{scope}{}-{version}.aam", name.bare())
}

/// The failure of a manifest that does not pass validation.
pub(crate) fn invalid_manifest(path: &Path, faults: &[ManifestFault]) -> Failure {
    let details = faults.iter().map(|fault| Detail::new(&*fault.field, &*fault.error)).collect();
    Failure::invalid(format!("{} is not valid", path.display())).details(details)
}
