//! Headers that keep browsers from misusing answers.

use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const REFERRER_POLICY: HeaderName = HeaderName::from_static("referrer-policy");
/// For answers that have no policy of their own: a browser that shows one of them runs and loads nothing.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Says of an answer that its type is not to be guessed, and that links in it tell nobody where they were; and of HTML
/// without a policy of its own that it runs and loads nothing.
///
/// A host that answers requests itself, before they reach the registry, adds these headers with this function too.
pub fn guard_browsers(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(REFERRER_POLICY, NO_REFERRER);
    let is_html = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if is_html && !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, NOTHING);
    }
}

/// The same for a whole answer.
pub(crate) fn guarded<B>(mut response: Response<B>) -> Response<B> {
    guard_browsers(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_without_a_policy_gets_one() {
        let policy = |given: Option<&'static str>, media_type: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            if let Some(given) = given {
                headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(given));
            }
            guard_browsers(&mut headers);
            assert_eq!((&headers["x-content-type-options"], &headers["referrer-policy"]), (&NOSNIFF, &NO_REFERRER));
            headers.get(header::CONTENT_SECURITY_POLICY).cloned()
        };
        assert_eq!(policy(None, "text/html; charset=utf-8"), Some(NOTHING));
        assert_eq!(policy(Some("sandbox"), "text/html"), Some(HeaderValue::from_static("sandbox")));
        assert_eq!(policy(None, "application/json"), None);
    }
}
