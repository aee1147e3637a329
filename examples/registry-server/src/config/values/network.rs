//! Types of settings about addresses.

use std::{fmt, net::IpAddr, path::PathBuf};

use http::{HeaderName, Uri};
use ipnet::IpNet;

use crate::config::setting::{Refusal, Value};

/// An address or a host name to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host(pub(crate) String);

impl Value for Host {
    const PLACEHOLDER: &'static str = "ADDRESS";

    fn allowed() -> String {
        "an IP address such as `0.0.0.0`, `127.0.0.1` or `::`, or a host name".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() || is_host_name(bare) {
            Ok(Self(bare.to_owned()))
        } else {
            Err(Refusal::NotAllowed)
        }
    }
}

/// What to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListenOn {
    /// The addresses of a host.
    Address(Host),
    /// A Unix socket at this path.
    Unix(PathBuf),
}

impl Value for ListenOn {
    const PLACEHOLDER: &'static str = "ADDRESS";

    fn allowed() -> String {
        format!("{}, or a socket such as `unix:/run/aam-registry/http.sock`", Host::allowed())
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') && !path.ends_with('/') => Ok(Self::Unix(PathBuf::from(path))),
            Some(_) => Err(Refusal::NotAllowed),
            None => Host::parse(text).map(Self::Address),
        }
    }
}

/// The permissions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileMode(pub(crate) u32);

impl Value for FileMode {
    const PLACEHOLDER: &'static str = "MODE";

    fn allowed() -> String {
        "three octal digits such as `660` (owner and group) or `666` (everybody)".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(text);
        let is_mode = digits.len() == 3 && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let mode = is_mode.then(|| u32::from_str_radix(digits, 8).ok()).flatten();
        mode.map(Self).ok_or(Refusal::NotAllowed)
    }
}

/// The rule of RFC 1123; also, the last label must not be a number.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let text = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 253
        && text.split('.').all(label)
        && text.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| !byte.is_ascii_digit()))
}

/// The public host of the registry, with or without a scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Domain(BaseUrl);

impl Value for Domain {
    const PLACEHOLDER: &'static str = "DOMAIN";

    fn allowed() -> String {
        "a host name such as `registry.example.com`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        BaseUrl::parse(&with_scheme).map(Self)
    }
}

impl Domain {
    /// Whether the host of `url` is this domain.
    pub(crate) fn is_host_of(&self, url: &BaseUrl) -> bool {
        self.0.host == url.host
    }
}

/// The public address of the registry, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    text: String,
    host: String,
}

impl BaseUrl {
    /// The address as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The address with `port` in place of port 0: the free port on which the process listens.
    pub(crate) fn with_port_if_zero(&self, port: u16) -> String {
        match self.text.strip_suffix(":0") {
            Some(before) => format!("{before}:{port}"),
            None => self.text.clone(),
        }
    }

    /// Whether its path begins as paths of the registry do: a request with such a path could mean either.
    pub(crate) fn begins_like_the_registry(&self) -> bool {
        let first = self.text.splitn(4, '/').nth(3).and_then(|path| path.split('/').next());
        matches!(first, Some("api" | "health" | "metrics" | "ready"))
    }

    /// Whether it points to this machine, as during development.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || address.is_unspecified())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Value for BaseUrl {
    const PLACEHOLDER: &'static str = "URL";

    fn allowed() -> String {
        "an http or https URL without query, such as `https://registry.example.com`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let uri: Uri = text.parse().map_err(|_| Refusal::NotAllowed)?;
        let authority = uri.authority().ok_or(Refusal::NotAllowed)?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        if !is_web || uri.query().is_some() || authority.as_str().contains('@') || text.contains('#') {
            return Err(Refusal::NotAllowed);
        }
        Ok(Self { text: text.trim_end_matches('/').to_owned(), host: authority.host().to_ascii_lowercase() })
    }
}

/// Networks, as CIDRs or single addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Networks(pub(crate) Vec<IpNet>);

impl Value for Networks {
    const PLACEHOLDER: &'static str = "CIDRS";

    fn allowed() -> String {
        "a comma-separated list of networks such as `10.0.0.0/8` or addresses, or `none`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        text.split(',')
            .map(str::trim)
            .map(|part| part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)))
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|_| Refusal::NotAllowed)
    }
}

/// The header in which a trusted proxy names the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientIpHeader(pub(crate) HeaderName);

impl Value for ClientIpHeader {
    const PLACEHOLDER: &'static str = "HEADER";

    fn allowed() -> String {
        "the name of a header such as `X-Forwarded-For` or `CF-Connecting-IP`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map(Self).map_err(|_| Refusal::NotAllowed)
    }
}

/// Origins whose web pages may call the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origins {
    /// All of them.
    Any,
    /// These.
    List(Vec<String>),
}

impl Value for Origins {
    const PLACEHOLDER: &'static str = "ORIGINS";

    fn allowed() -> String {
        "`*`, or a comma-separated list of origins such as `https://app.example.com`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let origin = |part: &str| {
            let url = BaseUrl::parse(part).ok()?;
            // An origin consists of scheme, host and port: one with a path would never match.
            let is_bare = url.as_str().splitn(4, '/').count() == 3;
            is_bare.then(|| url.as_str().to_ascii_lowercase())
        };
        text.split(',')
            .map(|part| origin(part.trim()))
            .collect::<Option<_>>()
            .map(Self::List)
            .ok_or(Refusal::NotAllowed)
    }
}

impl Value for PathBuf {
    const PLACEHOLDER: &'static str = "PATH";

    fn allowed() -> String {
        "a path".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        Ok(Self::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names() {
        for good in ["0.0.0.0", "::", "[::1]", "localhost", "registry.example.com"] {
            assert!(Host::parse(good).is_ok(), "{good}");
        }
        for bad in ["0.0.0", "999.1.1.1", "a_b", "http://x", "-x", "x..y", "x:80"] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_listens_on_addresses_or_a_socket() {
        assert_eq!(ListenOn::parse("[::1]"), Ok(ListenOn::Address(Host("::1".to_owned()))));
        assert_eq!(ListenOn::parse("unix:/run/x.sock"), Ok(ListenOn::Unix("/run/x.sock".into())));
        for bad in ["unix:", "unix:x.sock", "unix:/run/", "/run/x.sock"] {
            assert!(ListenOn::parse(bad).is_err(), "{bad}");
        }
        assert_eq!((FileMode::parse("660"), FileMode::parse("0600")), (Ok(FileMode(0o660)), Ok(FileMode(0o600))));
        for bad in ["", "66", "888", "rw", "6600", "1777"] {
            assert!(FileMode::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_addresses_know_whether_they_are_local() {
        for (url, local) in [
            ("http://localhost:8000", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:80/", true),
            ("https://registry.example.com/", false),
            ("https://10.0.0.1", false),
        ] {
            let url = BaseUrl::parse(url).expect(url);
            assert_eq!(url.is_local(), local, "{url}");
            assert!(!url.as_str().ends_with('/'));
        }
        for (url, ours) in [("https://x/api/registry", true), ("https://x/apis", false), ("https://api", false)] {
            assert_eq!(BaseUrl::parse(url).expect(url).begins_like_the_registry(), ours, "{url}");
        }
        for bad in ["registry.example.com", "ftp://x", "https://x/?a", "https://u:p@x", "https://"] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_are_cidrs_or_addresses() {
        assert_eq!(Networks::parse("10.0.0.0/8, ::1").expect("a list").0.len(), 2);
        assert_eq!(Networks::parse("none"), Ok(Networks(Vec::new())));
        assert!(Networks::parse("10.0.0.0/33").is_err());
        assert!(Networks::parse("10.0.0.0/8,").is_err());
    }

    #[test]
    fn origins_have_no_path() {
        assert_eq!(Origins::parse("*"), Ok(Origins::Any));
        assert!(Origins::parse("https://a.example,http://localhost:3000").is_ok());
        assert!(Origins::parse("https://a.example/app").is_err());
        assert!(Origins::parse("a.example").is_err());
    }
}
