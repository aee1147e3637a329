//! Diffs of two archives.

use std::fmt::Write;

use aam_registry_core::archive::{
    ArchiveLimits, FileDiff, FileStatus, MAX_DIFF, MAX_DIFFED_FILE, MAX_DIFFS, PackageDiff, diff,
};

use super::crafted::{Header, MANIFEST, Tar, noise};

fn differing(before: Tar, after: Tar) -> PackageDiff {
    diff(&*before.aam(), &*after.aam(), &ArchiveLimits::default()).expect("both valid")
}

fn file<'a>(diff: &'a PackageDiff, path: &str) -> &'a FileDiff {
    diff.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is not in {diff:#?}"))
}

#[test]
fn equal_archives_differ_in_nothing() {
    let diff = differing(Tar::valid(), Tar::valid());
    assert!(diff.manifest.is_empty() && diff.files.is_empty());
}

#[test]
fn files_added_removed_and_modified_are_told_apart() {
    let common = || Tar::default().file("p.md", "Hello").file("same", "same");
    let before = common().file("aam.yaml", MANIFEST).file("text", "a\nb\nc\n").file("gone", "x\n").file("bin", b"\0a");
    let run = Header { mode: 0o755, ..Header::new(b'0', "mode", 1) };
    let after = common()
        .file("aam.yaml", MANIFEST.replace("1.0.0", "1.1.0"))
        .file("text", "a\nB\nc\n")
        .file("new", "y")
        .file("bin", b"\0b");
    let diff = differing(before.file("mode", "m"), after.entry(&run, b"m"));
    let listed: Vec<_> = diff.files.iter().map(|file| (file.path.as_str(), file.status, file.binary)).collect();
    assert_eq!(
        listed,
        [
            ("aam.yaml", FileStatus::Modified, false),
            ("bin", FileStatus::Modified, true),
            ("gone", FileStatus::Removed, false),
            ("mode", FileStatus::Modified, false),
            ("new", FileStatus::Added, false),
            ("text", FileStatus::Modified, false),
        ]
    );
    let text = |path| file(&diff, path).diff.as_deref();
    assert_eq!(text("text"), Some("--- a/text\n+++ b/text\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"));
    assert_eq!(text("gone"), Some("--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"));
    assert_eq!(text("new"), Some("--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+y\n\\ No newline at end of file\n"));
    assert_eq!(text("mode"), Some("old mode 100644\nnew mode 100755\n"));
    assert_eq!(text("bin"), None);
    assert!(diff.files.iter().all(|file| !file.truncated));

    assert_eq!(diff.manifest.len(), 1);
    assert_eq!(diff.manifest[0].key, "version");
    assert_eq!(
        (diff.manifest[0].before.clone(), diff.manifest[0].after.clone()),
        (Some("1.0.0".into()), Some("1.1.0".into()))
    );
}

#[test]
fn long_diffs_are_cut_behind_a_line() {
    let lines = |n: usize| {
        (0..n).fold(String::new(), |mut text, i| {
            let _ = writeln!(text, "line {i} of many, each of them new");
            text
        })
    };
    let large = "x".repeat(MAX_DIFFED_FILE + 1);
    let after =
        Tar::valid().file("long", lines(5000)).file("large", &large).file("large.bin", noise(MAX_DIFFED_FILE + 1));
    let diff = differing(Tar::valid(), after);
    let long = file(&diff, "long");
    let text = long.diff.as_deref().expect("text");
    assert!(long.truncated && text.len() <= MAX_DIFF && text.len() > MAX_DIFF - 100);
    assert!(text.ends_with("each of them new\n"), "{:?}", &text[text.len() - 60..]);
    let large = file(&diff, "large");
    assert_eq!((large.binary, &large.diff, large.truncated), (false, &None, true));
    let binary = file(&diff, "large.bin");
    assert_eq!((binary.binary, &binary.diff, binary.truncated), (true, &None, false));
}

#[test]
fn all_diffs_together_are_bounded() {
    let mut after = Tar::valid();
    for i in 0..40 {
        after = after.file(format!("f{i:02}"), format!("{i}\n").repeat(20_000));
    }
    let diff = differing(Tar::valid(), after);
    let total: usize = diff.files.iter().filter_map(|file| file.diff.as_ref()).map(String::len).sum();
    assert!(total <= MAX_DIFFS, "{total}");
    assert_eq!(diff.files.len(), 40);
    let last = file(&diff, "f39");
    assert!(last.truncated && last.diff.is_none());
}

#[test]
fn texts_made_to_be_slow_to_compare_still_come_to_an_end() {
    let scrambled = |seed: u32, count: u32| {
        (0..count).fold(String::new(), |mut text, i| {
            let _ = writeln!(text, "{}", (i.wrapping_mul(2_654_435_761).wrapping_add(seed)) % 500);
            text
        })
    };
    let (mut before, mut after) = (Tar::valid(), Tar::valid());
    for i in 0..30 {
        before = before.file(format!("f{i}"), scrambled(i, 60_000));
        after = after.file(format!("f{i}"), scrambled(i + 77, 60_000));
    }
    let diff = differing(before, after);
    assert_eq!(diff.files.len(), 30);
    // The limits of time and size do not allow all diffs, but all files are listed.
    assert!(diff.files.iter().any(|file| file.diff.is_some()));
    assert!(diff.files.iter().all(|file| file.truncated));
}
