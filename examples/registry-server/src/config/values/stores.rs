//! Types of settings about object stores, Redis and the CDN.

use aam_registry_backends::redis::RedisConfig;
use http::Uri;
use secrecy::SecretString;

use crate::config::setting::{Refusal, Value};

/// The address of an HTTP service, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint(pub(crate) String);

impl Value for Endpoint {
    const PLACEHOLDER: &'static str = "URL";

    fn allowed() -> String {
        "an address such as `https://s3.example.com` or `minio:9000`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        // MinIO's own tools also accept a host and a port without a scheme.
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let trimmed = with_scheme.trim_end_matches('/');
        let uri: Uri = trimmed.parse().map_err(|_| Refusal::NotAllowed)?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        let plain = uri.query().is_none() && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if is_http && plain { Ok(Self(trimmed.to_owned())) } else { Err(Refusal::NotAllowed) }
    }
}

/// The name of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket(pub(crate) String);

impl Value for Bucket {
    const PLACEHOLDER: &'static str = "NAME";

    fn allowed() -> String {
        "3 to 63 lower-case letters, digits, dots and hyphens".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        let fits = (3..=63).contains(&text.len()) && text.bytes().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(Refusal::NotAllowed) }
    }
}

/// A word without spaces, such as a region, a key prefix or the name of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) String);

impl Value for Word {
    const PLACEHOLDER: &'static str = "TEXT";

    fn allowed() -> String {
        "one word of visible characters".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        // It becomes part of URLs and of signed requests.
        if text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Refusal::NotAllowed)
        }
    }
}

/// One half of an access key, or a whole one.
#[derive(Clone, Debug)]
pub(crate) struct SecretKey(pub(crate) SecretString);

impl Value for SecretKey {
    const PLACEHOLDER: &'static str = "SECRET";

    fn allowed() -> String {
        "text without control characters".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        // A control character, such as a line end, comes from the file that holds the secret, and is
        // not allowed in a header.
        if text.contains(char::is_control) { Err(Refusal::NotAllowed) } else { Ok(Self(text.into())) }
    }
}

/// The address of a Redis server, credentials included.
#[derive(Clone, Debug)]
pub(crate) struct RedisUrl(pub(crate) SecretString);

impl Value for RedisUrl {
    const PLACEHOLDER: &'static str = "URL";

    fn allowed() -> String {
        "`redis://[[<user>]:<password>@]<host>[:<port>][/<number>]`, or `rediss://` for TLS; `#`, `/`, `?` and `%` of \
         a password are written `%23`, `%2F`, `%3F` and `%25`"
            .to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let rest = text.strip_prefix("redis://").or_else(|| text.strip_prefix("rediss://"));
        let host = rest.map(|rest| rest.rsplit_once('@').map_or(rest, |(_, host)| host));
        let has_host = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'));
        if !has_host {
            return Err(Refusal::NotAllowed);
        }
        // The error contains nothing of the address except the name of an option.
        RedisConfig::new(text).check_url().map_err(|error| Refusal::Because(error.to_string()))?;
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_with_or_without_its_scheme() {
        for (text, endpoint) in [
            ("https://s3.example.com/", "https://s3.example.com"),
            ("minio:9000", "http://minio:9000"),
            ("http://[::1]:9000", "http://[::1]:9000"),
        ] {
            assert_eq!(Endpoint::parse(text), Ok(Endpoint(endpoint.to_owned())));
        }
        for bad in ["ftp://x", "http://user:pw@x", "http://x?y=z", "a b"] {
            assert_eq!(Endpoint::parse(bad), Err(Refusal::NotAllowed), "{bad}");
        }
    }

    #[test]
    fn redis_needs_a_host() {
        for good in ["redis://localhost:6379", "rediss://:pw@h/1", "redis://u:p@ss@h", "redis://:TOP%23SECRET@h"] {
            assert!(RedisUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "redis://",
            "localhost:6379",
            "http://h",
            "redis:///1",
            "redis://u:p@127.0.0.1:99999",
            "redis://h/notadb",
            "redis://:TOP#SECRET@h",
            "rediss://h/#insecure",
            "redis://h?ssl_cert_reqs=none",
        ] {
            assert!(RedisUrl::parse(bad).is_err(), "{bad}");
        }
        let Err(Refusal::Because(reason)) = RedisUrl::parse("redis://:hunter2@h/0?socket_timeout=5") else {
            panic!("it has no reason")
        };
        assert!(reason.ends_with("its option `socket_timeout` is not supported: it takes `protocol`"), "{reason}");
    }
}
