//! Entity tags and conditional requests (RFC 9110, section 13).

use http::{HeaderMap, HeaderValue, header};

/// Whether `If-None-Match` contains the entity tag `etag` (including quotes), so that the answer is
/// 304. Uses weak comparison; several header fields count as one list.
pub(crate) fn none_match_names(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|value| value.to_str().is_ok_and(|list| list_names(list, etag)))
}

/// Whether `If-Range` allows answering with a part: it is absent, or equals the strong entity tag
/// `etag`. A date never matches, since archives have no modification date.
pub(crate) fn if_range_holds(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == etag.as_bytes())
}

fn list_names(list: &str, etag: &str) -> bool {
    let list = list.trim();
    if list == "*" {
        return true;
    }
    let wanted = opaque(etag);
    let mut rest = list;
    while let Some(start) = rest.find('"') {
        let Some(len) = rest[start + 1..].find('"') else { return false };
        let end = start + 1 + len + 1;
        if &rest[start..end] == wanted {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

fn opaque(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}

/// The entity tag of the same representation under a content coding.
pub(crate) fn with_coding(etag: &str, coding: &str) -> Option<HeaderValue> {
    let bare = etag.strip_suffix('"')?;
    HeaderValue::try_from(format!("{bare}-{coding}\"")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::try_from(list).expect("header"));
        none_match_names(&headers, "\"abc\"")
    }

    #[test]
    fn lists_weak_tags_and_stars_match() {
        for matching in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "\"x,y\",W/\"abc\" , \"z\"", "*", " * "] {
            assert!(names(matching), "{matching}");
        }
        for other in ["", "abc", "\"ab\"", "\"abc", "\"x\", \"abd\"", "\"ABC\"", "\"*\"", "\"x, \"abc\"\""] {
            assert!(!names(other), "{other}");
        }
    }

    #[test]
    fn if_range_takes_the_strong_tag_only() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_RANGE, HeaderValue::from_static(value));
            if_range_holds(&headers, "\"abc\"")
        };
        assert!(if_range_holds(&HeaderMap::new(), "\"abc\""));
        assert!(with("\"abc\""));
        assert!(!with("W/\"abc\""));
        assert!(!with("Wed, 21 Oct 2015 07:28:00 GMT"));
    }

    #[test]
    fn a_coding_has_a_tag_of_its_own() {
        assert_eq!(with_coding("\"abc\"", "gzip").expect("tag"), "\"abc-gzip\"");
    }
}
