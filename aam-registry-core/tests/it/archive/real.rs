//! Archives of real packers.

use std::{cell::Cell, env, io, path::PathBuf};

use aam_registry_core::{
    Error,
    archive::{ArchiveLimits, judge},
    types::Sha256Digest,
};

use flate2::Compression;

use super::crafted::{Counting, Header, MANIFEST, Tar, assert_refused, checksummed, gzip_at, judged, noise, record};

fn fixture(name: &str) -> Vec<u8> {
    // Cargo says at run time where the package is: the path that was compiled in may name another checkout that shared
    // the target folder.
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let path = package.join("../tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn archives_of_the_python_client_pass() {
    for (file, name, version, files) in [
        ("acme-review-suite-2.1.0.aam", "@acme/review-suite", "2.1.0", 7),
        ("greet-kit-1.0.0.aam", "greet-kit", "1.0.0", 3),
        ("greet-kit-1.1.0.aam", "greet-kit", "1.1.0", 3),
        ("my_org-style-guide-0.3.0.aam", "@my_org/style-guide", "0.3.0", 3),
        ("pre-1.0.0-rc.1.aam", "pre", "1.0.0-rc.1", 2),
    ] {
        let archive = judged(&fixture(file)).expect(file);
        assert_eq!((archive.manifest.name.as_str(), archive.manifest.version.to_string().as_str()), (name, version));
        assert_eq!(archive.files.len(), files, "{file}");
        assert_eq!(archive.readme, None);
    }
}

#[test]
fn files_are_listed_by_path_with_size_digest_and_mode() {
    let archive = judged(&fixture("greet-kit-1.0.0.aam")).expect("valid");
    let listed: Vec<_> = archive.files.iter().map(|file| (file.path.as_str(), file.size, file.executable)).collect();
    assert_eq!(
        listed,
        [
            ("aam.yaml", 689, false),
            ("skills/hello-skill/SKILL.md", 168, false),
            ("skills/hello-skill/scripts/hello.sh", 37, true),
        ]
    );
    // As the packer itself recorded it.
    assert_eq!(
        archive.files[2].sha256.to_string(),
        archive.manifest.document["file_checksums"]["files"]["skills/hello-skill/scripts/hello.sh"]
    );
}

#[test]
fn what_other_packers_add_is_read() {
    let long = format!("skills/{}/{}.md", "s".repeat(120), "f".repeat(120));
    let archive = Tar::default()
        .extension(b'g', &record("comment", "0123456789abcdef"))
        .folder("./")
        .folder("./skills/")
        .file("./aam.yaml", MANIFEST)
        .file("./p.md", "Hello")
        .file("./ReadMe.md", b"# Hi \xff")
        .extension(b'L', format!("{long}\0").as_bytes())
        .file("skills/cut-off-name", "1")
        .extension(b'x', &[record("path", "skills/grüße.md"), record("mtime", "1.5"), record("size", "2")].concat())
        .file("skills/gr", "12")
        .raw(&[0; 10 * 1024])
        .judged()
        .expect("valid");
    let paths: Vec<_> = archive.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["ReadMe.md", "aam.yaml", "p.md", "skills/grüße.md", &long]);
    assert_eq!(archive.readme.as_deref(), Some("# Hi \u{fffd}"));
}

#[test]
fn links_inside_count_as_copies() {
    let archive = Tar::valid()
        .link(b'2', "docs/deep/p.md", "../../p.md")
        .link(b'1', "hard.md", "./p.md")
        .link(b'2', "early.md", "late.md")
        .file("late.md", "late")
        .judged()
        .expect("valid");
    let hello = Sha256Digest::of(b"Hello");
    for path in ["docs/deep/p.md", "hard.md", "p.md"] {
        let file = archive.files.iter().find(|file| file.path == path).expect(path);
        assert_eq!((file.size, file.sha256), (5, hello));
    }
    assert_eq!(archive.files[2].path, "early.md");
    assert_eq!(archive.files[2].sha256, Sha256Digest::of(b"late"));
}

#[test]
fn a_folder_can_be_an_artifact() {
    let manifest = MANIFEST.replace("p.md", "./prompts/");
    let held = |tar: Tar| tar.file("aam.yaml", &manifest).judged();
    held(Tar::default().file("prompts/a.md", "x")).expect("implied by a file");
    held(Tar::default().folder("prompts")).expect("an entry of its own");
    assert!(held(Tar::default().file("prompts-a/a.md", "x")).is_err());
    assert!(held(Tar::default().file("prompts.md", "x")).is_err());
}

#[test]
fn the_manifest_is_shown_before_the_rest_is_read() {
    let aam = Tar::valid().file("noise", noise(2_000_000)).aam();
    let read = Cell::new(0);
    let limits = ArchiveLimits::default();
    let refusal = judge(Counting { aam: &aam, read: &read }, &limits, |manifest| {
        assert_eq!(manifest.name.as_str(), "a");
        Err(Error::forbidden("no"))
    });
    assert!(matches!(refusal, Err(Error::Forbidden(_))));
    assert!(read.get() < aam.len() / 4, "{} of {} bytes were read", read.get(), aam.len());

    read.set(0);
    judge(Counting { aam: &aam, read: &read }, &limits, |_| Ok(())).expect("valid");
    assert_eq!(read.get(), aam.len());
}

struct Failing<'a> {
    aam: &'a [u8],
    with: fn() -> io::Error,
}

impl io::Read for Failing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.aam.read(buf)?;
        if n == 0 { Err((self.with)()) } else { Ok(n) }
    }
}

#[test]
fn a_failing_source_is_not_taken_for_damage() {
    let aam = Tar::valid().aam();
    let limits = ArchiveLimits::default();
    for at in 0..aam.len() {
        let broken = Failing { aam: &aam[..at], with: || io::Error::other("disk") };
        let outage = judge(broken, &limits, |_| Ok(()));
        assert!(matches!(outage, Err(Error::Backend(_))), "at {at}: {outage:?}");
        let slow = Failing { aam: &aam[..at], with: || io::Error::other(Error::Timeout("Too slow".into())) };
        let timeout = judge(slow, &limits, |_| Ok(()));
        assert!(matches!(timeout, Err(Error::Timeout(_))), "at {at}: {timeout:?}");
    }
}

#[test]
fn ten_thousand_entries_pass() {
    let mut tar = Tar::valid();
    for i in 0..9_998 {
        tar = tar.file(format!("skills/s{}/f{i}.md", i % 100), "x");
    }
    assert_eq!(tar.clone().judged().expect("valid").files.len(), 10_000);
    assert_refused(tar.file("one-more", "").judged(), "more than 10000 entries");
}

#[test]
fn fifty_mebibytes_pass_and_no_more() {
    let stored = |contents: &[u8]| {
        let tar = Tar::default().file("aam.yaml", MANIFEST).file("p.md", contents).raw(&[0; 1024]);
        gzip_at(Compression::none(), &tar.bytes())
    };
    let contents = noise(52_400_000);
    let aam = stored(&contents);
    assert!((52_410_000..=52_428_800).contains(&aam.len()), "{} bytes", aam.len());
    assert_eq!(judged(&aam).expect("valid").files[1].sha256, Sha256Digest::of(&contents));
    assert!(matches!(judged(&stored(&noise(52_430_000))), Err(Error::PayloadTooLarge(_))));
}

#[test]
fn an_entry_with_no_magic_is_a_plain_file() {
    let mut block = Header::new(0, "old.txt", 0).block();
    block[257..265].fill(0);
    let archive = Tar::valid().raw(&checksummed(block)).judged().expect("valid");
    assert_eq!(archive.files[1].path, "old.txt");
}
