use std::{fs, io, path::Path};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// The answer to every request.
#[derive(Clone, Debug)]
pub(crate) struct Canned {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Canned {
    pub(crate) fn read(status: u16, headers: &Path, body: &Path) -> io::Result<Self> {
        let pairs: Vec<(String, String)> = serde_json::from_slice(&fs::read(headers)?)?;
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::try_from(name).map_err(io::Error::other)?;
            headers.append(name, HeaderValue::try_from(value).map_err(io::Error::other)?);
        }
        let status = StatusCode::from_u16(status).map_err(io::Error::other)?;
        Ok(Self { status, headers, body: fs::read(body)?.into() })
    }

    /// The bytes of the answer in HTTP/1.1.
    pub(crate) fn to_http1(&self) -> Vec<u8> {
        let mut answer = format!("HTTP/1.1 {}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            answer.extend_from_slice(name.as_str().as_bytes());
            answer.extend_from_slice(b": ");
            answer.extend_from_slice(value.as_bytes());
            answer.extend_from_slice(b"\r\n");
        }
        if !self.headers.contains_key(header::CONTENT_LENGTH) && self.status != StatusCode::NOT_MODIFIED {
            answer.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        answer.extend_from_slice(b"\r\n");
        answer.extend_from_slice(&self.body);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canned(status: StatusCode, name: HeaderName, value: &'static str) -> Canned {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        Canned { status, headers, body: Bytes::from_static(b"xy") }
    }

    #[test]
    fn the_answer_says_how_long_it_is_once() {
        let with = canned(StatusCode::OK, header::CONTENT_LENGTH, "2");
        assert_eq!(with.to_http1(), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nxy");
        let without = canned(StatusCode::PARTIAL_CONTENT, header::ETAG, "\"a\"");
        assert_eq!(without.to_http1(), b"HTTP/1.1 206 Partial Content\r\netag: \"a\"\r\ncontent-length: 2\r\n\r\nxy");
    }
}
