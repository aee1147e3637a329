//! Answers to requests that do not reach the registry's service.

use aam_registry_core::{
    error::ErrorCode,
    http::{RegistryBody, layers::guard_browsers},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header, uri::Authority};
use serde_json::json;

/// The largest head of a request, in bytes.
pub(super) const MAX_HEAD: usize = 32 * 1024;
/// The longest request target that is accepted, in bytes.
const MAX_TARGET: usize = 8 * 1024;
/// How many bytes a header field counts beside its name and value (RFC 9113, section 6.5.2).
const FIELD: usize = 32;
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The `Retry-After` in seconds when there is no seat for a connection.
const RETRY_AFTER: u64 = 1;

/// Why a request is refused without being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// All connections are in use.
    Overloaded,
    /// Its network has as many connections as it may have.
    Crowded,
    /// The memory for answers is used up.
    OutOfMemory,
    /// Its target is too long.
    TargetTooLong,
    /// Its head is too large.
    HeadTooLarge,
    /// Its head does not name the requested host, or names more than one (RFC 9112, section 3.2).
    WrongHost,
    /// It is not HTTP.
    NotHttp,
    /// It asks for the metrics without the token that they need.
    NoMetricsToken,
}

impl Refusal {
    /// The refusal of a request that is invalid by itself.
    pub(super) fn of<B>(request: &Request<B>) -> Option<Self> {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target > MAX_TARGET {
            return Some(Self::TargetTooLong);
        }
        if has_wrong_host(request) {
            return Some(Self::WrongHost);
        }
        // For HTTP/1 the library enforces the limit.
        let fields = (request.version() == Version::HTTP_2).then(|| request.headers().iter());
        let size: usize =
            fields.into_iter().flatten().map(|(name, value)| name.as_str().len() + value.len() + FIELD).sum();
        (size > MAX_HEAD).then_some(Self::HeadTooLarge)
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Overloaded | Self::Crowded | Self::OutOfMemory => StatusCode::SERVICE_UNAVAILABLE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::WrongHost | Self::NotHttp => StatusCode::BAD_REQUEST,
            Self::NoMetricsToken => StatusCode::UNAUTHORIZED,
        }
    }

    fn code(self) -> ErrorCode {
        match self {
            Self::Overloaded | Self::Crowded | Self::OutOfMemory => ErrorCode::Overloaded,
            Self::TargetTooLong | Self::HeadTooLarge | Self::WrongHost | Self::NotHttp => ErrorCode::InvalidRequest,
            Self::NoMetricsToken => ErrorCode::Unauthorized,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Overloaded => "The registry has as many connections as it takes; try again in a moment",
            Self::Crowded => {
                "Your address has as many connections as the registry takes from one; close some, or send more \
                requests over each"
            }
            Self::OutOfMemory => "Too many answers are not read by their clients; try again in a moment",
            Self::TargetTooLong => "The address of the request is too long; paths and queries may have 8 KiB together",
            Self::HeadTooLarge => "The head of the request is too large; it may have 100 headers and 32 KiB",
            Self::WrongHost => {
                "The request needs exactly one `Host` header, with the registry's host as in its address"
            }
            Self::NotHttp => "What was sent is no request of HTTP/1.1 or HTTP/2",
            Self::NoMetricsToken => "The metrics need the operator's METRICS_TOKEN as a bearer token",
        }
    }

    /// The body of the answer, and its headers except those about the connection.
    fn parts(self) -> (String, HeaderMap) {
        let id = format!("{:032x}", rand::random::<u128>());
        let body = json!({ "error": self.code().as_str(), "message": self.message(), "request_id": id }).to_string();
        let mut headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::CONTENT_LENGTH, HeaderValue::from(body.len())),
            (X_REQUEST_ID, HeaderValue::try_from(id).expect("hex is a header value")),
        ]);
        guard_browsers(&mut headers);
        (body, headers)
    }

    /// The answer as the service would give it.
    pub(super) fn response(self) -> Response<RegistryBody> {
        let (body, headers) = self.parts();
        let mut response = Response::new(RegistryBody::from(body));
        *response.status_mut() = self.status();
        response.headers_mut().extend(headers);
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        if self == Self::NoMetricsToken {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }

    /// The header lines and body that replace the empty body of the library's answer.
    fn text(self) -> String {
        let (body, headers) = self.parts();
        let mut text = String::new();
        for (name, value) in &headers {
            text.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"]);
        }
        text.push_str("\r\n");
        text.push_str(&body);
        text
    }
}

/// Whether an HTTP/1 request does not have exactly one `Host` header, which only HTTP/1.0 allows. With
/// two of them, a proxy and this server could read different hosts.
fn has_wrong_host<B>(request: &Request<B>) -> bool {
    if request.version() > Version::HTTP_11 {
        return false;
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() == Version::HTTP_11,
        (Some(host), None) => !host.is_empty() && !is_host(host),
        (Some(_), Some(_)) => true,
    }
}

fn is_host(value: &HeaderValue) -> bool {
    // An authority may contain user information, the header may not.
    !value.as_bytes().contains(&b'@') && Authority::try_from(value.as_bytes()).is_ok()
}

/// The complete HTTP/1.1 answer to a connection for which there is no seat, whatever it requests.
pub(in crate::serve) fn overloaded() -> String {
    busy(Refusal::Overloaded)
}

/// The same for a connection of a network that has too many.
pub(in crate::serve) fn crowded() -> String {
    busy(Refusal::Crowded)
}

fn busy(refusal: Refusal) -> String {
    let text = refusal.text();
    format!("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: {RETRY_AFTER}\r\n{text}")
}

/// The registry's own error answer in place of the empty answer that the HTTP library wrote to a
/// request it did not understand; `None` if the bytes are not such an answer.
pub(super) fn in_place_of(answer: &[u8]) -> Option<Bytes> {
    const NO_BODY: &str = "content-length: 0\r\n";
    let head = str::from_utf8(answer).ok()?.strip_suffix("\r\n\r\n")?;
    let refusal = match head.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "))?.get(..3)? {
        "400" => Refusal::NotHttp,
        "414" => Refusal::TargetTooLong,
        "431" => Refusal::HeadTooLarge,
        _ => return None,
    };
    let head = format!("{head}\r\n");
    head.contains(NO_BODY).then(|| format!("{}{}", head.replace(NO_BODY, ""), refusal.text()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_says_without_words_is_said_in_json() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
            date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        let answer = in_place_of(bare).expect("one of its answers");
        let answer = str::from_utf8(&answer).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(
            head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ndate: "),
            "{head}"
        );
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert!(!head.contains("content-length: 0"), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["error"], "invalid_request");
        assert!(head.contains(&format!("x-request-id: {}", body["request_id"].as_str().expect("text"))), "{head}");
    }

    #[test]
    fn what_a_service_says_is_left_alone() {
        for answer in [
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(in_place_of(answer.as_bytes()), None, "{answer}");
        }
    }
}
