//! The paths of an archive seen so far, to detect duplicates.

use std::collections::{HashMap, hash_map::Entry};

use unicode_normalization::UnicodeNormalization;

use super::{failure::invalid_entry, names::NameRule};
use crate::error::Result;

/// Every path seen, as a tree of segments: its memory grows with the length of the paths, not with
/// their length times their depth.
pub(super) struct Tree {
    nodes: HashMap<(u32, Box<str>), Node>,
    root_seen: bool,
    rule: NameRule,
}

struct Node {
    id: u32,
    /// The segment as it was first spelled.
    spelled: Box<str>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// A folder that is part of other paths but has no entry yet.
    Implied,
}

impl Tree {
    /// An empty tree.
    pub(super) fn new(rule: NameRule) -> Self {
        Self { nodes: HashMap::new(), root_seen: false, rule }
    }

    /// Adds the root folder.
    pub(super) fn add_root(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.root_seen, true) {
            return Err(invalid_entry(b".", "is there twice"));
        }
        Ok(())
    }

    /// Adds a file or a folder.
    pub(super) fn add(&mut self, path: &str, is_folder: bool) -> Result<()> {
        let mut parent = 0;
        let mut segments = path.split('/').peekable();
        while let Some(segment) = segments.next() {
            let kind = match segments.peek() {
                Some(_) => Kind::Implied,
                None if is_folder => Kind::Folder,
                None => Kind::File,
            };
            // An entry has at most 32 segments, so the count stays far below 2^32.
            let id = u32::try_from(self.nodes.len() + 1).unwrap_or(u32::MAX);
            match self.nodes.entry((parent, folded(segment, self.rule))) {
                Entry::Vacant(place) => {
                    place.insert(Node { id, spelled: segment.into(), kind });
                    parent = id;
                }
                Entry::Occupied(mut place) => {
                    let node = place.get_mut();
                    match (node.kind, kind) {
                        _ if *node.spelled != *segment => {
                            let why = format!(
                                "differs only in case or in how its letters are composed from another one spelled `{}`",
                                node.spelled
                            );
                            return Err(invalid_entry(path.as_bytes(), why));
                        }
                        (Kind::Folder | Kind::Implied, Kind::Implied) => {}
                        (Kind::Implied, Kind::Folder) => node.kind = Kind::Folder,
                        (Kind::File, Kind::File) | (Kind::Folder, Kind::Folder) => {
                            return Err(invalid_entry(path.as_bytes(), "is there twice"));
                        }
                        (Kind::File, _) | (_, Kind::File) => {
                            return Err(invalid_entry(path.as_bytes(), "is a file here and a folder there"));
                        }
                    }
                    parent = node.id;
                }
            }
        }
        Ok(())
    }
}

/// The same for two names that a case-insensitive file system does not distinguish, and, for a publish,
/// also for two that a file system with Unicode normalization does not distinguish.
fn folded(segment: &str, rule: NameRule) -> Box<str> {
    // Convert to upper case first: `ſ` and `s`, and `ς` and `σ`, become equal only in upper case.
    let folded = segment.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    match rule {
        NameRule::Portable => folded.nfc().collect::<String>().into(),
        NameRule::Unpackable | NameRule::Any => folded.collect::<String>().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(paths: &[&str]) -> Result<()> {
        let mut tree = Tree::new(NameRule::Portable);
        paths.iter().try_for_each(|path| tree.add(path.trim_end_matches('/'), path.ends_with('/')))
    }

    #[test]
    fn different_paths_live_together() {
        held(&["a/b/c", "a/b/d", "a/b/", "a/", "b/a", "ab", "aam.yaml"]).expect("no clash");
    }

    #[test]
    fn clashes_are_found_whatever_the_order() {
        for paths in [
            &["a", "a"][..],
            &["a/", "a/"],
            &["README.md", "readme.MD"],
            &["a", "a/"],
            &["a/", "a"],
            &["a", "a/b"],
            &["a/b", "a"],
            &["a/b", "A/c"],
            &["A/", "a/b"],
            &["straſe", "STRASE"],
            &["É", "é"],
            &["é", "e\u{301}"],
            &["E\u{301}/a", "é/b"],
        ] {
            assert!(held(paths).is_err(), "{paths:?} passed");
        }
    }
}
