//! What each rule for archives refuses.

use aam_registry_core::Error;

use super::crafted::{Header, MANIFEST, Tar, assert_refused, checksummed, record};

#[test]
fn names_that_leave_or_confuse_are_refused() {
    let long_segment = format!("a/{}", "b".repeat(256));
    for (name, reason) in [
        ("/etc/passwd", "is absolute"),
        ("./../etc/passwd", "holds `..`"),
        ("../aam.yaml", "holds `..`"),
        ("a/../../b", "holds `..`"),
        ("a/..", "holds `..`"),
        ("..", "holds `..`"),
        ("a//b", "empty segment"),
        ("a/./b", "empty segment"),
        (".", "empty segment"),
        ("", "is empty"),
        ("C:/autoexec.bat", "is a drive on Windows"),
        ("a\\b", "backslash"),
        ("..\\b", "backslash"),
        ("a\nb", "control character"),
        ("a\u{7f}b", "control character"),
        ("a\u{9b}b", "control character"),
        (&long_segment, "255 bytes"),
        (&"d/".repeat(33), "32 segments"),
    ] {
        if name.len() <= 100 {
            assert_refused(Tar::valid().file(name, "x").judged(), reason);
        }
        assert_refused(Tar::valid().extension(b'x', &record("path", name)).file("x", "x").judged(), reason);
        assert_refused(Tar::valid().extension(b'L', name.as_bytes()).file("x", "x").judged(), reason);
        let folder = Tar::valid().extension(b'x', &record("path", name)).folder("x/").judged();
        // The root folder may have an entry.
        assert_eq!(folder.is_ok(), name == ".", "{name:?}");
    }
    assert_refused(Tar::valid().file(b"a\xffb", "x").judged(), "not UTF-8");
    assert_refused(Tar::valid().file("a\0b", "x").judged(), "NUL");
    assert_refused(Tar::valid().extension(b'x', &record("path", "a\0b")).file("x", "x").judged(), "NUL");
    assert_refused(Tar::valid().extension(b'L', b"a\0b\0").file("x", "x").judged(), "NUL");
    assert_refused(Tar::valid().file("trailing/", "x").judged(), "empty segment");
}

#[test]
fn nothing_is_there_twice() {
    for (first, second, reason) in [
        ("p2.md", "p2.md", "is there twice"),
        ("./p2.md", "p2.md", "is there twice"),
        ("Docs/x", "docs/y", "differs only in case"),
        ("README.md", "readme.md", "differs only in case"),
        ("Straße", "STRASSE", "differs only in case"),
        ("a", "a/b", "a file here and a folder there"),
        ("a/b", "a", "a file here and a folder there"),
    ] {
        assert_refused(Tar::valid().file(first, "x").file(second, "y").judged(), reason);
    }
    assert_refused(Tar::valid().folder("a").folder("a/").judged(), "is there twice");
    assert_refused(Tar::valid().folder("a").file("a", "").judged(), "a file here and a folder there");
    assert_refused(Tar::valid().folder("./").folder(".").judged(), "is there twice");
    assert_refused(Tar::valid().link(b'2', "p.md", "aam.yaml").judged(), "is there twice");
    assert_refused(Tar::valid().link(b'2', "l", "p.md").file("l/x", "y").judged(), "a file here and a folder there");
    Tar::default().file("a/b", "x").folder("a").file("aam.yaml", MANIFEST).file("p.md", "x").judged().expect("once");
}

#[test]
fn the_manifest_is_one_regular_file_at_the_root() {
    let without = "no regular file aam.yaml";
    assert_refused(Tar::default().judged(), without);
    assert_refused(Tar::default().file("p.md", "x").judged(), without);
    assert_refused(Tar::default().file("pkg/aam.yaml", MANIFEST).judged(), without);
    assert_refused(Tar::default().file("AAM.yaml", MANIFEST).judged(), without);
    assert_refused(Tar::default().folder("aam.yaml").judged(), without);
    assert_refused(Tar::default().file("m", MANIFEST).link(b'2', "aam.yaml", "m").judged(), without);
    assert_refused(Tar::default().file("m", MANIFEST).link(b'1', "aam.yaml", "m").judged(), without);
    assert_refused(Tar::valid().file("./aam.yaml", MANIFEST).judged(), "is there twice");
    assert_refused(Tar::valid().file("Aam.Yaml", MANIFEST).judged(), "differs only in case");
    assert!(matches!(Tar::default().file("aam.yaml", "name: A").judged(), Err(Error::InvalidManifest(_))));
    let huge = format!("{MANIFEST}#{}", "x".repeat(3 * 1024 * 1024));
    assert!(matches!(Tar::default().file("aam.yaml", huge).judged(), Err(Error::InvalidManifest(_))));
}

#[test]
fn an_artifact_must_be_there() {
    let reason = "does not hold `p.md`, the path of the prompt `p`";
    assert_refused(Tar::default().file("aam.yaml", MANIFEST).judged(), reason);
    assert_refused(Tar::default().file("aam.yaml", MANIFEST).file("P.md", "x").judged(), reason);
    assert_refused(Tar::default().file("aam.yaml", MANIFEST).file("x/p.md", "x").judged(), reason);
}

#[test]
fn links_that_leave_or_lead_nowhere_are_refused() {
    for kind in [b'1', b'2'] {
        for (name, target, reason) in [
            ("l", "/etc/passwd", "is absolute"),
            ("l", "../x", if kind == b'1' { "holds `..`" } else { "outside the package" }),
            ("a/l", "a/../../../x", "holds `..`"),
            ("l", "", "is empty"),
            ("l", "nowhere", "not a regular file"),
            ("l", "l", "not a regular file"),
            ("l", "docs", "not a regular file"),
            ("l", "first", "not a regular file"),
        ] {
            let tar = Tar::valid().folder("docs").link(b'2', "first", "p.md").link(kind, name, target);
            assert_refused(tar.judged(), reason);
        }
        let far = Tar::valid().extension(b'x', &record("linkpath", "../../x")).link(kind, "l", "p.md");
        assert!(far.judged().is_err());
        let far = Tar::valid().extension(b'K', b"../../x\0").link(kind, "l", "p.md");
        assert!(far.judged().is_err());
        let filled = Header { link: b"p.md".to_vec(), ..Header::new(kind, "l", 3) };
        assert_refused(Tar::valid().entry(&filled, b"abc").judged(), "kind that cannot be published");
    }
}

#[test]
fn devices_and_unknown_kinds_are_refused() {
    for kind in [b'3', b'4', b'6'] {
        assert_refused(Tar::valid().entry(&Header::new(kind, "dev", 0), b"").judged(), "device or FIFO");
    }
    for kind in [b'7', b'8', b'A', b'D', b'M', b'N', b'V', b'Z', 1, 255] {
        assert_refused(Tar::valid().entry(&Header::new(kind, "odd", 0), b"").judged(), "kind that cannot");
    }
}

#[test]
fn sparse_files_are_refused() {
    assert_refused(Tar::valid().entry(&Header::new(b'S', "s", 0), b"").judged(), "sparse");
    for key in ["GNU.sparse.major", "GNU.sparse.realsize", "GNU.sparse.name", "GNU.sparse.map"] {
        assert_refused(Tar::valid().extension(b'x', &record(key, "1")).file("s", "x").judged(), "sparse");
        assert_refused(Tar::valid().extension(b'g', &record(key, "1")).file("s", "x").judged(), "sparse");
    }
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    let path = record("path", "b");
    assert_refused(Tar::valid().extension(b'x', &record("size", "2")).file("b", "x").judged(), "size plainly");
    assert_refused(Tar::valid().extension(b'x', &record("size", "0")).file("b", "x").judged(), "size plainly");
    let twice = [path.clone(), record("path", "c")].concat();
    assert_refused(Tar::valid().extension(b'x', &twice).file("b", "x").judged(), "malformed PAX");
    assert_refused(Tar::valid().extension(b'x', b"path=b\n").file("b", "x").judged(), "malformed PAX");
    let both = Tar::valid().extension(b'x', &path).extension(b'L', b"c").file("b", "x");
    assert_refused(both.judged(), "two long names");
    for kind in [b'x', b'L', b'K'] {
        let twice = Tar::valid().extension(kind, &path).extension(kind, &path).file("b", "x");
        assert_refused(twice.judged(), "contradict");
        assert_refused(Tar::valid().extension(kind, &path).judged(), "not there");
    }
    assert_refused(Tar::valid().extension(b'x', &path).extension(b'g', b"").file("b", "x").judged(), "contradict");
    assert_refused(Tar::valid().extension(b'g', &path).file("b", "x").judged(), "contradict");
    assert_refused(Tar::valid().extension(b'x', &record("linkpath", "p.md")).file("b", "x").judged(), "kind that");
    assert_refused(Tar::valid().entry(&Header::new(b'5', "d", 3), b"abc").judged(), "kind that");

    let mut binary = Header::new(b'0', "b", 0).block();
    binary[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let tar = Tar::valid().raw(&checksummed(binary)).raw(&[b'x'; 512]);
    assert_refused(tar.judged(), "size plainly");
    let mut unknown = Header::new(b'x', "b", 0).block();
    unknown[257..265].fill(b'?');
    assert_refused(Tar::valid().raw(&checksummed(unknown)).file("b", "").judged(), "malformed");
}
