//! The reply to a request.

use aam_registry_core::http::RegistryBody;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

/// Keys whose values differ from run to run.
const CHANGING: &[&str] =
    &["id", "token", "access_token", "request_id", "latency_ms", "archive_size", "sha256", "size"];
/// Headers that differ from run to run, or do not depend on the endpoint.
const CHANGING_HEADERS: &[&str] = &["x-request-id", "etag", "x-checksum-sha256", "repr-digest", "content-length"];

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) async fn of(response: Response<RegistryBody>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body is whole").to_bytes();
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.header_if_any(name).unwrap_or_else(|| panic!("no header {name} in {self:?}"))
    }

    pub(super) fn header_if_any(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// Asserts that this is a well-formed error.
    #[track_caller]
    pub(super) fn assert_error(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.json()["error"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("cache-control"), "no-store");
        let body = self.json();
        assert_eq!(body["request_id"].as_str(), Some(self.header("x-request-id")));
        let message = body["message"].as_str().expect("a message");
        assert!(message.starts_with(|c: char| !c.is_lowercase()), "{message}");
        assert_eq!(self.header_if_any("www-authenticate"), (status == 401).then_some("Bearer"));
        if matches!(status, 429 | 503) {
            assert!(self.header("retry-after").parse::<u64>().expect("seconds") >= 1);
        }
    }

    /// Status, headers and JSON, without values that differ from run to run.
    pub(super) fn snapshot(&self) -> String {
        use std::fmt::Write;
        let mut text = format!("{}\n", self.status);
        let mut names: Vec<&HeaderName> = self.headers.keys().collect();
        names.sort_by_key(|name| name.as_str());
        for name in names {
            for value in self.headers.get_all(name) {
                let changing = CHANGING_HEADERS.contains(&name.as_str());
                let value = if changing { "[…]" } else { value.to_str().expect("ASCII") };
                writeln!(text, "{name}: {value}").expect("written");
            }
        }
        if !self.body.is_empty() {
            let mut json = self.json();
            redact(&mut json);
            write!(text, "\n{}", serde_json::to_string_pretty(&json).expect("JSON")).expect("written");
        }
        text
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if CHANGING.contains(&key.as_str()) && (value.is_string() || value.is_number()) {
                    *value = Value::from("[…]");
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}
