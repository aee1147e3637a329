//! The format of a cached value: a line with its stamp, then its bytes.

use aam_registry_core::ports::Stamp;
use bytes::Bytes;

pub(super) fn seal(value: &[u8], stamp: &Stamp) -> Vec<u8> {
    let mut sealed = head(stamp).into_bytes();
    sealed.extend_from_slice(value);
    sealed
}

/// The value, if it has that stamp.
pub(super) fn open(sealed: &Bytes, stamp: &Stamp) -> Option<Bytes> {
    let value = sealed.strip_prefix(head(stamp).as_bytes())?;
    Some(sealed.slice_ref(value))
}

/// No part of a stamp contains a space or a line end.
fn head(stamp: &Stamp) -> String {
    let mut head = stamp.0.join(" ");
    head.push('\n');
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(parts: &[&str]) -> Stamp {
        Stamp(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    #[test]
    fn a_value_opens_by_its_own_stamp_alone() {
        let own = stamp(&["run", "a", "b"]);
        for value in [&b""[..], b"value", b"\n\0 run a b\n"] {
            let sealed = Bytes::from(seal(value, &own));
            assert_eq!(open(&sealed, &own).as_deref(), Some(value));
            for other in
                [&["run", "a"][..], &["run", "a", "c"], &["run", "b", "a"], &["run", "a", "b", ""], &[], &["run"]]
            {
                assert_eq!(open(&sealed, &stamp(other)), None, "{other:?} opened it");
            }
        }
        assert_eq!(open(&Bytes::new(), &own), None);
        assert_eq!(open(&Bytes::from_static(b"run a b"), &own), None);
    }
}
