//! Reads the files in `deployment`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use crate::process::in_repository;

/// A file or folder of the repository.
pub(super) fn path(name: &str) -> PathBuf {
    in_repository(name)
}

#[track_caller]
pub(super) fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The documents of a YAML file, with anchors and merge keys resolved.
#[track_caller]
pub(super) fn yaml(name: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of the files in a folder.
pub(super) fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(path(folder)).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// The `NAME=value` lines of a file, and with `commented` also those after a `#`.
pub(super) fn assignments(name: &str, commented: bool) -> BTreeMap<String, String> {
    let text = text(name);
    let lines = text.lines().filter_map(|line| {
        let line = if commented { line.trim_start_matches(['#', ' ']) } else { line };
        let (name, value) = line.split_once('=')?;
        let is_name = name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
        (is_name && !name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    });
    lines.collect()
}

/// The items of a list of texts; empty if it is not a list.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|item| item.as_str().expect("text")).collect()
}

/// The members of a mapping; empty if it is not a mapping.
pub(super) fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}
