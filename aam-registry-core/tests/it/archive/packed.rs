//! Packing, and unpacking what was packed.

use std::{collections::BTreeMap, fs};

use aam_registry_core::{
    Error,
    archive::{ArchiveLimits, PackContents, PackEntry, copy_file, judge, pack, unpack},
    types::{ArchiveFile, Sha256Digest},
};
use proptest::prelude::*;

use super::crafted::MANIFEST;

fn entry(path: &str, contents: &[u8], executable: bool) -> PackEntry {
    PackEntry { path: path.to_owned(), executable, contents: PackContents::Bytes(contents.to_vec()) }
}

fn packed(entries: Vec<PackEntry>) -> (Vec<u8>, Vec<ArchiveFile>) {
    let mut aam = Vec::new();
    let files = pack(entries, &mut aam).expect("packs");
    (aam, files)
}

fn valid(more: Vec<PackEntry>) -> Vec<PackEntry> {
    [vec![entry("p.md", b"Hello", false), entry("aam.yaml", MANIFEST.as_bytes(), false)], more].concat()
}

#[test]
fn the_bytes_hold_from_release_to_release() {
    let (aam, files) = packed(valid(vec![entry("bin/run.sh", b"#!/bin/sh\n", true)]));
    let paths: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.executable)).collect();
    assert_eq!(paths, [("aam.yaml", false), ("bin/run.sh", true), ("p.md", false)]);
    // Change this only on purpose: existing lock files and checksums would no longer match.
    assert_eq!(Sha256Digest::of(&aam).to_string(), "90eb4cbf4062dfee45cc609b0ec4926635a67fa03775c58fa2c0295a0fa9266a");
}

#[test]
fn a_file_from_disk_packs_as_the_same_bytes_in_memory() {
    let folder = tempfile::tempdir().expect("temp");
    let path = folder.path().join("any-name");
    fs::write(&path, "Hello").expect("write");
    let from_disk = PackEntry { path: "./p.md".into(), executable: false, contents: PackContents::Path(path) };
    let (a, _) = packed(vec![entry("aam.yaml", MANIFEST.as_bytes(), false), from_disk]);
    assert_eq!(a, packed(valid(vec![])).0);
    let missing = PackContents::Path(folder.path().join("missing"));
    let missing = PackEntry { path: "x".into(), executable: false, contents: missing };
    let error = pack(valid(vec![missing]), Vec::new()).expect_err("missing");
    assert!(matches!(error, Error::Backend(_)));
    let folder = PackEntry { path: "x".into(), executable: false, contents: PackContents::Path(folder.path().into()) };
    assert!(matches!(pack(valid(vec![folder]), Vec::new()), Err(Error::InvalidArchive(_))));
}

#[test]
fn what_no_registry_takes_is_not_packed() {
    for path in ["../x", "/x", "a\\b", "P.md", "p.md/x", "aam.yaml", "AAM.yaml"] {
        let refused = pack(valid(vec![entry(path, b"x", false)]), Vec::new());
        assert!(matches!(refused, Err(Error::InvalidArchive(_))), "{path}: {refused:?}");
    }
    assert!(matches!(pack(vec![], Vec::new()), Err(Error::InvalidArchive(_))));
    let manifest = entry("aam.yaml", MANIFEST.as_bytes(), false);
    assert!(matches!(pack(vec![manifest], Vec::new()), Err(Error::InvalidArchive(_))));
    assert!(matches!(pack(vec![entry("aam.yaml", b"a: b", false)], Vec::new()), Err(Error::InvalidManifest(_))));
}

/// Packages with a few files, shared folders, short and long names, in any order.
fn packages() -> impl Strategy<Value = BTreeMap<String, (Vec<u8>, bool)>> {
    let segment = prop_oneof!["[a-c]", "[a-zé0-9 ._-]{1,12}[a-z]", "[x-z]{100,255}"];
    let path = prop::collection::vec(segment, 1..4).prop_map(|segments| segments.join("/"));
    let contents = prop::collection::vec(any::<u8>(), 0..1500);
    prop::collection::btree_map(path, (contents, any::<bool>()), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn packing_is_reproducible_accepted_and_undone_by_unpacking(
        files in packages(),
        order in any::<prop::sample::Index>(),
    ) {
        let mut entries: Vec<_> =
            files.iter().map(|(path, (contents, executable))| entry(path, contents, *executable)).collect();
        entries = valid(entries);
        let mut aam = Vec::new();
        let Ok(listed) = pack(entries.clone(), &mut aam) else {
            // A file below another file, or names that differ only in case: `judge` refuses these too.
            return Ok(());
        };
        let turn = order.index(entries.len());
        entries.rotate_left(turn);
        prop_assert_eq!(&packed(entries).0, &aam);

        let limits = ArchiveLimits::default();
        let judged = judge(&*aam, &limits, |_| Ok(())).expect("accepted");
        prop_assert_eq!(&judged.files, &listed);

        let folder = tempfile::tempdir().expect("temp");
        prop_assert_eq!(&unpack(&*aam, folder.path(), &limits).expect("unpacks"), &listed);
        for (path, (contents, executable)) in &files {
            let on_disk = folder.path().join(path);
            prop_assert_eq!(&fs::read(&on_disk).expect("read"), contents);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(&on_disk).expect("metadata").permissions().mode();
                prop_assert_eq!(mode & 0o100 != 0, *executable);
            }
            let mut copy = Vec::new();
            prop_assert!(copy_file(&*aam, &[path.as_str()], &limits, &mut copy).expect("copies"));
            prop_assert_eq!(&copy, contents);
        }
        prop_assert!(!copy_file(&*aam, &["not-there"], &limits, &mut Vec::new()).expect("reads"));
    }
}
