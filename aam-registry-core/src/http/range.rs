//! Single byte ranges (RFC 9110, section 14).

use std::ops::Range;

use http::{HeaderMap, header};
use http_range_header::{SyntacticallyCorrectRange, parse_range_header};

/// What a request asks for of a representation with a known length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: no `Range`, a malformed one, another unit, or several ranges.
    Whole,
    /// These bytes; at least one.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Unsatisfiable,
}

/// Reads `Range` for a representation of `len` bytes.
pub(crate) fn asked_range(headers: &HeaderMap, len: u64) -> Asked {
    let mut values = headers.get_all(header::RANGE).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) => parse(value, len).unwrap_or(Asked::Whole),
        _ => Asked::Whole,
    }
}

fn parse(value: &str, len: u64) -> Option<Asked> {
    let range = match parse_range_header(value).ok()?.into_ranges()[..] {
        [SyntacticallyCorrectRange::FromLast(count)] => len.saturating_sub(count)..len,
        [SyntacticallyCorrectRange::FromStart(first)] => first..len,
        [SyntacticallyCorrectRange::Indexed(first, last)] => first..last.saturating_add(1).min(len),
        _ => return None,
    };
    Some(if range.start < range.end { Asked::Part(range) } else { Asked::Unsatisfiable })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn asked(value: &str, len: u64) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::try_from(value).expect("header"));
        asked_range(&headers, len)
    }

    #[test]
    fn ranges_follow_the_table_of_the_rfc() {
        let table: &[(&str, Asked)] = &[
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-5", Asked::Part(2..6)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=9-99", Asked::Part(9..10)),
            ("Bytes=0-1", Asked::Part(0..2)),
            ("bytes=0-18446744073709551616", Asked::Part(0..10)),
            ("bytes=10-", Asked::Unsatisfiable),
            ("bytes=10-20", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=99999999999999999999-", Asked::Unsatisfiable),
            ("bytes=5-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            // A list may have empty elements (section 5.6.1).
            ("bytes=0-1,", Asked::Part(0..2)),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("items=0-1", Asked::Whole),
            ("0-1", Asked::Whole),
        ];
        for (value, wanted) in table {
            assert_eq!(&asked(value, 10), wanted, "{value}");
        }
        assert_eq!(asked_range(&HeaderMap::new(), 10), Asked::Whole);
    }

    #[test]
    fn two_range_fields_are_several_ranges() {
        let mut headers = HeaderMap::new();
        headers.append(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.append(header::RANGE, HeaderValue::from_static("bytes=2-3"));
        assert_eq!(asked_range(&headers, 10), Asked::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within(value in "bytes=[0-9]{0,21}-[0-9]{0,21}", len in 0u64..1_000) {
            if let Asked::Part(range) = asked(&value, len) {
                prop_assert!(range.start < range.end && range.end <= len);
            }
        }
    }
}
