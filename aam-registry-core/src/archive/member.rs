//! One entry of an archive with the headers that describe it.

use std::{borrow::Cow, io::Read};

use tar::{EntryType, Header};

use super::{
    failure::{from_io, invalid, invalid_entry},
    link,
    pax::Pax,
};
use crate::{error::Result, types::package_path};

/// An entry as the walk passes it to its visitor.
pub(super) enum Member<'a> {
    File {
        path: &'a str,
        size: u64,
        executable: bool,
        contents: &'a mut dyn Read,
    },
    Folder {
        path: &'a str,
    },
    /// Stands for a copy of the regular file at `target`.
    Link {
        path: &'a str,
        target: &'a str,
    },
}

/// The headers that precede an entry's own header.
#[derive(Default)]
pub(super) struct Prelude {
    pub(super) pax: Option<Pax>,
    pub(super) long_name: Option<Vec<u8>>,
    pub(super) long_link: Option<Vec<u8>>,
}

impl Prelude {
    pub(super) fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_name.is_none() && self.long_link.is_none()
    }
}

/// What an entry is, according to all its headers.
#[derive(Debug)]
pub(super) struct Description {
    /// Without a leading `./`; empty for the root.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) size: u64,
}

#[derive(Debug)]
pub(super) enum Kind {
    File { executable: bool },
    Folder,
    Link { target: String },
}

impl Description {
    pub(super) fn read(header: &Header, prelude: Prelude) -> Result<Self> {
        let pax = prelude.pax.unwrap_or_default();
        let name = one_of(pax.path, prelude.long_name, || header.path_bytes().into_owned())?;
        let refuse = |why: &str| Err(invalid_entry(&name, why));

        let size = header.entry_size().map_err(from_io)?;
        if header.as_old().size[0] & 0x80 != 0 || pax.size.is_some_and(|said| said != size) {
            return refuse("does not give its size plainly");
        }
        if name.contains(&0) || after_nul(&header.as_old().name) {
            return refuse("has a NUL in its name");
        }
        let Ok(text) = std::str::from_utf8(&name) else {
            return refuse("has a name that is not UTF-8");
        };
        let link_name = pax.link.is_some() || prelude.long_link.is_some();
        let entry_type = header.entry_type();
        let is_folder = entry_type.is_dir();
        let path = match text.strip_suffix('/').filter(|_| is_folder).unwrap_or(text) {
            "." if is_folder => String::new(),
            text => match package_path(text) {
                Ok(path) => path.to_owned(),
                Err(fault) => return refuse(&format!("{}{fault}", if text.is_empty() { "name " } else { "" })),
            },
        };
        let kind = match entry_type {
            EntryType::Regular if !link_name => Kind::File { executable: header.mode().map_err(from_io)? & 0o100 != 0 },
            EntryType::Directory if !link_name && size == 0 => Kind::Folder,
            EntryType::Symlink | EntryType::Link if size == 0 => {
                let target = one_of(pax.link, prelude.long_link, || {
                    header.link_name_bytes().map(Cow::into_owned).unwrap_or_default()
                })?;
                let resolve = if entry_type.is_symlink() { link::symbolic_target } else { link::hard_target };
                Kind::Link { target: resolve(&path, &target)? }
            }
            EntryType::Block | EntryType::Char | EntryType::Fifo => {
                return refuse("is a device or FIFO; only files, folders and links can be published");
            }
            EntryType::GNUSparse => return refuse("is a sparse file; pack it without holes"),
            _ => return refuse("is of a kind that cannot be published; only files, folders and links can"),
        };
        Ok(Self { path, kind, size })
    }
}

/// Refuses two names for one entry, because readers disagree about which one counts.
fn one_of(pax: Option<Vec<u8>>, long: Option<Vec<u8>>, short: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>> {
    match (pax, long) {
        (Some(_), Some(_)) => Err(invalid("The archive gives an entry two long names")),
        (Some(name), None) | (None, Some(name)) => Ok(name),
        (None, None) => Ok(short()),
    }
}

/// Whether the field has bytes after the NUL that ends the name.
fn after_nul(field: &[u8]) -> bool {
    field.iter().skip_while(|b| **b != 0).any(|b| *b != 0)
}
