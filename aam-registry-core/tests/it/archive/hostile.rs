//! Decompression bombs: small archives that become large when unpacked.

use std::{
    cell::Cell,
    io::{self, Read, Write},
};

use aam_registry_core::archive::{ArchiveLimits, judge};
use flate2::{Compression, write::GzEncoder};

use super::crafted::{Counting, Header, MANIFEST, Tar, assert_refused, checksummed, record};

/// A gzip of `head` followed by a number of zeros.
fn bomb(head: &[u8], zeros: u64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(head).expect("in memory");
    io::copy(&mut io::repeat(0).take(zeros), &mut encoder).expect("in memory");
    encoder.finish().expect("in memory")
}

/// Checks the archive and returns how many of its bytes were read.
fn read_of(aam: &[u8], limits: &ArchiveLimits, reason: &str) -> usize {
    let read = Cell::new(0);
    assert_refused(judge(Counting { aam, read: &read }, limits, |_| Ok(())), reason);
    read.get()
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_unpacked() {
    let limits = ArchiveLimits::default().with_max_unpacked_size(20_000_000);
    let size = 40_000_000;
    let head = Tar::default().file("aam.yaml", MANIFEST).raw(&Header::new(b'0', "p.md", size).block()).bytes();
    let aam = bomb(&head, size);
    let read = read_of(&aam, &limits, "unpacks to more than 20000000 bytes");
    assert!(read < aam.len(), "{read} of {} bytes were read", aam.len());
}

#[test]
fn the_unpacked_limit_is_exact() {
    let limits = ArchiveLimits::default().with_max_unpacked_size(MANIFEST.len() as u64 + 1000);
    let judged = |tar: Tar| judge(&*tar.aam(), &limits, |_| Ok(()));
    let tar = |size| Tar::default().file("aam.yaml", MANIFEST).file("p.md", vec![b'x'; size]);
    judged(tar(1000)).expect("at the limit");
    assert_refused(judged(tar(1001)), "unpacks to more than");
    judged(tar(500).link(b'2', "copy", "p.md")).expect("at the limit");
    assert_refused(judged(tar(501).link(b'2', "copy", "p.md")), "unpacks to more than");
}

#[test]
fn many_entries_are_cut_at_the_limit() {
    let mut head = Tar::valid();
    let mut files = Tar::default();
    for i in 0..20_000 {
        files = files.file(format!("f{i}"), "");
    }
    let aam = head.clone().raw(&files.bytes()).aam();
    let read = read_of(&aam, &ArchiveLimits::default(), "more than 10000 entries");
    assert!(read < aam.len() * 3 / 4, "{read} of {} bytes were read", aam.len());

    // Global headers count as entries, otherwise their number would be unlimited.
    for _ in 0..10_000 {
        head = head.extension(b'g', b"");
    }
    assert_refused(head.judged(), "more than 10000 entries");
}

#[test]
fn long_names_and_pax_headers_count() {
    let limits = ArchiveLimits::default().with_max_unpacked_size(100_000);
    let comment = record("comment", &"x".repeat(30_000));
    for kind in [b'x', b'g', b'L', b'K'] {
        let mut tar = Tar::valid();
        for i in 0..4 {
            tar = tar.extension(kind, &comment);
            if kind == b'x' {
                tar = tar.file(format!("f{i}"), "");
            } else if kind != b'g' {
                break;
            }
        }
        let result = judge(&*tar.aam(), &limits, |_| Ok(()));
        assert_refused(result, if matches!(kind, b'x' | b'g') { "unpacks to more" } else { "not there" });

        let huge = Tar::valid().raw(&Header::new(kind, "x", 8_000_000_000).block());
        assert_refused(huge.judged(), "too large");
        let large = Tar::valid().extension(kind, &vec![b'x'; 1024 * 1024 + 1]);
        assert_refused(large.judged(), "too large");
    }
}

#[test]
fn an_endless_tail_is_cut() {
    let aam = bomb(&Tar::valid().bytes(), 20_000_000);
    let read = read_of(&aam, &ArchiveLimits::default(), "goes on after its end marker");
    assert!(read < aam.len(), "{read} of {} bytes were read", aam.len());
}

#[test]
fn the_largest_size_a_header_can_say_is_only_a_number() {
    for size in [0o77_777_777_777, 524_288_001] {
        assert_refused(Tar::valid().raw(&Header::new(b'0', "x", size).block()).judged(), "unpacks to more");
    }
    let mut block = Header::new(b'0', "x", 0).block();
    block[124..136].fill(0xff);
    assert!(Tar::valid().raw(&checksummed(block)).judged().is_err());
}
