//! PAX extended headers (POSIX.1-2001).

use super::failure::invalid;
use crate::error::{Error, Result};

/// The records of an extended header that change how its entry is read.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

impl Pax {
    /// Reads the records of one header.
    ///
    /// The tar crate splits at line feeds and stops at an empty line. A value with a line feed could
    /// therefore hide records from it that other readers see.
    pub(super) fn parse(mut records: &[u8]) -> Result<Self> {
        let mut pax = Self::default();
        while !records.is_empty() {
            let (key, value, rest) = record(records).ok_or_else(malformed)?;
            records = rest;
            let twice = match key {
                b"path" => pax.path.replace(value.to_vec()).is_some(),
                b"linkpath" => pax.link.replace(value.to_vec()).is_some(),
                b"size" => pax.size.replace(decimal(value).ok_or_else(malformed)?).is_some(),
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(invalid("The archive holds a sparse file; pack it without holes"));
                }
                _ => false,
            };
            if twice {
                return Err(malformed());
            }
        }
        Ok(pax)
    }

    /// Whether no record changes how the entry is read.
    pub(super) fn is_empty(&self) -> bool {
        self.path.is_none() && self.link.is_none() && self.size.is_none()
    }
}

fn malformed() -> Error {
    invalid("The archive holds a malformed PAX header")
}

/// Splits off the first `<length> <key>=<value>\n`; the length counts the whole record.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|b| *b == b' ')?;
    let length = usize::try_from(decimal(&records[..space])?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let text = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = text.iter().position(|b| *b == b'=')?;
    Some((&text[..equals], &text[equals + 1..], rest))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().all(u8::is_ascii_digit).then_some(())?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(key: &str, value: &[u8]) -> Vec<u8> {
        let payload = key.len() + value.len() + 3;
        let length = (payload..payload + 20).find(|n| n.to_string().len() + payload == *n).expect("a length");
        [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
    }

    #[test]
    fn records_with_line_feeds_hide_nothing() {
        let records = [written("comment", b"a\n\n"), written("path", b"x"), written("mtime", b"1.5")].concat();
        assert_eq!(Pax::parse(&records).expect("valid").path.as_deref(), Some(&b"x"[..]));
    }

    #[test]
    fn malformed_records_are_refused() {
        let twice = [written("path", b"a"), written("path", b"b")].concat();
        let bad: [&[u8]; 10] = [
            &twice,
            b"x",
            b"0 a=b\n",
            b"6 a=b\n\0",
            b"7 a=b\n",
            b"99999999999999999999 a=b\n",
            b"+6 a=b\n",
            b"5 ab\n",
            b"10 size=-1\n",
            b"22 GNU.sparse.major=1\n",
        ];
        for records in bad {
            assert!(Pax::parse(records).is_err(), "{:?}", String::from_utf8_lossy(records));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(path in prop::collection::vec(any::<u8>(), 0..300), size: u64) {
            let records = [written("path", &path), written("size", size.to_string().as_bytes())].concat();
            let pax = Pax::parse(&records).expect("valid");
            prop_assert_eq!((pax.path, pax.size), (Some(path), Some(size)));
        }

        #[test]
        fn junk_never_panics(records in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Pax::parse(&records);
        }
    }
}
