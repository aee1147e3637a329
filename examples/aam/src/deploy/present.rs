//! What lies at a place now.

use aam_registry_core::types::Sha256Digest;

use super::{place::Place, roots::Roots};
use crate::{confined::Entry, failure::Result};

/// What lies at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Present {
    Nothing,
    File(Sha256Digest),
    Folder,
    Link,
    /// What is no file at all: never written by us.
    Other,
}

pub(super) fn present(roots: &Roots, place: &Place) -> Result<Present> {
    Ok(match roots.look_and_read(place)? {
        (Entry::Nothing, _) => Present::Nothing,
        (Entry::Folder, _) => Present::Folder,
        (Entry::Link, _) => Present::Link,
        (Entry::Other, _) => Present::Other,
        (Entry::File, bytes) => bytes.map_or(Present::Nothing, |bytes| Present::File(Sha256Digest::of(&bytes))),
    })
}
