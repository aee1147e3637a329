//! Unpacking writes only into its folder, and leaves nothing there after a failure.

use std::{fs, path::Path};

use aam_registry_core::{
    Error,
    archive::{ArchiveLimits, copy_file, unpack},
};
use proptest::prelude::*;

use super::crafted::{Tar, checksummed, gzip, judged, record};

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn links_become_copies() {
    let tar = Tar::valid().link(b'2', "docs/deep/p.md", "../../p.md").link(b'1', "hard.md", "p.md");
    let aam = tar.aam();
    let folder = tempfile::tempdir().expect("temp");
    let files = unpack(&*aam, folder.path(), &ArchiveLimits::default()).expect("unpacks");
    assert_eq!(files, judged(&aam).expect("valid").files);
    for path in ["docs/deep/p.md", "hard.md"] {
        let on_disk = folder.path().join(path);
        assert!(fs::symlink_metadata(&on_disk).expect("there").is_file());
        fs::write(&on_disk, "changed").expect("write");
    }
    assert_eq!(fs::read(folder.path().join("p.md")).expect("read"), b"Hello");

    // With all paths of its digest, a link is found too.
    let mut out = Vec::new();
    let alike = ["docs/deep/p.md", "hard.md", "p.md"];
    assert!(copy_file(&*aam, &alike, &ArchiveLimits::default(), &mut out).expect("copies"));
    assert_eq!(out, b"Hello");
}

#[test]
fn empty_folders_are_made() {
    let folder = tempfile::tempdir().expect("temp");
    let aam = Tar::valid().folder("a/b/").file("a/c", "x").folder("a/").aam();
    unpack(&*aam, folder.path(), &ArchiveLimits::default()).expect("unpacks");
    assert!(folder.path().join("a/b").is_dir());
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let folder = tempfile::tempdir().expect("temp");
    fs::write(folder.path().join("mine"), "mine").expect("write");
    let refused = unpack(&*Tar::valid().aam(), folder.path(), &ArchiveLimits::default());
    assert!(matches!(refused, Err(Error::InvalidRequest { .. })));
    assert_eq!(entries(folder.path()), ["mine"]);
    assert!(unpack(&*Tar::valid().aam(), &folder.path().join("missing"), &ArchiveLimits::default()).is_err());
}

#[test]
fn a_refused_archive_leaves_nothing() {
    let outer = tempfile::tempdir().expect("temp");
    let into = outer.path().join("into");
    fs::create_dir(&into).expect("folder");
    let limits = ArchiveLimits::default();
    for tar in [
        Tar::valid().file("../escaped", "x"),
        Tar::valid().link(b'2', "l", "..").file("l/escaped", "x"),
        Tar::valid().link(b'2', "l", "/tmp").file("l/escaped", "x"),
        Tar::valid().folder("d").link(b'2', "d/l", "../p.md").file("d/l/escaped", "x"),
        Tar::valid().file("d/e/f", "x").file("D/e/g", "x"),
        Tar::default().file("p.md", "x"),
    ] {
        assert!(unpack(&*tar.aam(), &into, &limits).is_err());
        assert_eq!(entries(&into), <[&str; 0]>::default());
        assert_eq!(entries(outer.path()), ["into"]);
    }
    let aam = Tar::valid().file("d/e", "x").aam();
    for at in (0..aam.len()).step_by(7) {
        assert!(unpack(&aam[..at], &into, &limits).is_err());
        assert_eq!(entries(&into), <[&str; 0]>::default());
    }
}

/// A tar with every kind of entry, for tests to damage.
fn varied() -> Vec<u8> {
    Tar::valid()
        .folder("d/")
        .extension(b'x', &record("path", "d/long.md"))
        .file("d/short", "long")
        .extension(b'L', b"d/gnu.md\0")
        .file("d/x", "gnu")
        .link(b'2', "d/l", "../p.md")
        .link(b'1', "h", "p.md")
        .raw(&[0; 1024])
        .bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_broken_tar_is_judged_as_it_is_unpacked(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        resum: bool,
    ) {
        let mut tar = varied();
        for (at, with) in flips {
            let at = at.index(tar.len());
            tar[at] = with;
            // Most changed bits in a header only make its checksum wrong; correct the checksum, so that
            // the rules see the damage.
            let block = at / 512 * 512;
            if resum && tar[block + 257..block + 262] == *b"ustar" {
                let header = tar[block..block + 512].try_into().expect("a block");
                tar[block..block + 512].copy_from_slice(&checksummed(header));
            }
        }
        let aam = gzip(&tar);
        let outer = tempfile::tempdir().expect("temp");
        let into = outer.path().join("into");
        fs::create_dir(&into).expect("folder");
        let unpacked = unpack(&*aam, &into, &ArchiveLimits::default());
        if let Ok(archive) = judged(&aam) {
            prop_assert_eq!(archive.files, unpacked.expect("judged fit to unpack"));
        } else {
            prop_assert!(unpacked.is_err());
            prop_assert!(entries(&into).is_empty());
        }
        prop_assert_eq!(entries(outer.path()), ["into"]);
    }

    #[test]
    fn a_broken_gzip_never_panics_and_never_passes_for_another(
        at in any::<prop::sample::Index>(),
        with in 1..=255_u8,
    ) {
        let aam = gzip(&varied());
        let whole = judged(&aam).expect("valid");
        let mut broken = aam.clone();
        let at = at.index(aam.len());
        broken[at] ^= with;
        if let Ok(archive) = judged(&broken) {
            // Some bits have no meaning: time and system in the gzip header, and the padding of the
            // last byte of the stream.
            prop_assert_eq!(archive, whole);
        }
    }
}
