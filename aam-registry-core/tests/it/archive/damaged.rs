//! Truncated archives, and archives with additional bytes.

use proptest::prelude::*;

use super::crafted::{Header, MANIFEST, Tar, assert_refused, gzip, judged};

#[test]
fn cut_off_anywhere_it_is_refused() {
    let aam = Tar::valid().file("more.md", "More".repeat(1000)).aam();
    for at in 0..aam.len() {
        assert_refused(judged(&aam[..at]), "");
    }
    judged(&aam).expect("whole");
}

#[test]
fn a_tar_cut_off_inside_a_whole_gzip_is_refused() {
    let tar = Tar::valid().bytes();
    for at in 0..tar.len() {
        assert_refused(judged(&gzip(&tar[..at])), "");
    }
    assert_refused(judged(&gzip(&tar)), "no end marker");
    judged(&gzip(&[&tar[..], &[0; 512]].concat())).expect("one block of zeros ends it");
    assert_refused(judged(&gzip(&[&tar[..], &[0; 511]].concat())), "not a whole gzip tar");
}

#[test]
fn bytes_behind_the_end_are_refused() {
    let aam = Tar::valid().aam();
    for tail in [&b"\0"[..], b"x", &aam] {
        assert_refused(judged(&[&aam, tail].concat()), "after the end of its gzip stream");
    }
    let empty_member = gzip(b"");
    assert_refused(judged(&[aam, empty_member].concat()), "after the end of its gzip stream");
    let hidden = Tar::valid().raw(&[0; 1024]).file("hidden.md", "x");
    assert_refused(hidden.judged(), "goes on after its end marker");
    assert_refused(Tar::valid().raw(&[0; 2000]).raw(b"x").judged(), "goes on after its end marker");
}

#[test]
fn a_wrong_checksum_or_length_is_refused() {
    let aam = Tar::valid().aam();
    for at in aam.len() - 8..aam.len() {
        let mut wrong = aam.clone();
        wrong[at] ^= 1;
        assert_refused(judged(&wrong), "not a whole gzip tar");
    }
    let mut block = Header::new(b'0', "x", 0).block();
    block[0] = b'y';
    assert_refused(Tar::valid().raw(&block).judged(), "checksum");
}

#[test]
fn other_formats_are_refused() {
    let tar = Tar::valid().raw(&[0; 1024]).bytes();
    for bytes in
        [&b""[..], b"PK\x03\x04 a zip", MANIFEST.as_bytes(), &tar, &gzip(b""), &gzip(b"text"), &gzip(&gzip(&tar))]
    {
        assert_refused(judged(bytes), "");
    }
}

#[test]
fn messages_hold_no_control_characters_and_stay_short() {
    let name = format!("\u{1b}[31m\n{}", "x".repeat(5000));
    let refusal = Tar::valid().extension(b'L', name.as_bytes()).file("x", "x").judged();
    let message = refusal.expect_err("refused").to_string();
    assert!(message.len() < 400 && !message.contains(char::is_control), "{message:?}");
}

proptest! {
    #[test]
    fn junk_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(judged(&bytes).is_err());
        prop_assert!(judged(&gzip(&bytes)).is_err());
    }
}
