//! The address of a registry.

use std::{fmt, str::FromStr};

use reqwest::Url;

use crate::failure::Failure;

/// An http or https address without credentials, query, fragment and trailing
/// slash: what API paths are appended to, and what credentials are kept by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RegistryUrl(String);

impl RegistryUrl {
    /// The registry of a machine that has none configured.
    pub(crate) fn local() -> Self {
        Self("http://localhost:8000".to_owned())
    }

    /// The address as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, with its port where it has one.
    pub(crate) fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// Whether `text` is an address but for its `http://` or `https://`: a host
    /// with a port, a path or a dot in it.
    pub(crate) fn lacks_scheme(text: &str) -> bool {
        !text.contains("://")
            && (text == "localhost" || text.contains([':', '/']) || text.trim_end_matches('.').contains('.'))
    }

    /// Whether an address can stand in a command that a person copies: no shell
    /// acts on any character of it.
    pub(crate) fn needs_no_quotes(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || ":/._~%[]-".contains(c);
        !text.is_empty() && text.chars().all(plain)
    }

    /// Whether somebody between here and the registry could read what is sent.
    pub(crate) fn is_exposed(&self) -> bool {
        let loopback = |url: &Url| match url.host_str() {
            Some(host) => {
                let bare = host.trim_start_matches('[').trim_end_matches(']');
                host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            None => false,
        };
        self.0.starts_with("http://") && !Url::parse(&self.0).is_ok_and(|url| loopback(&url))
    }
}

impl FromStr for RegistryUrl {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let shown = || text.chars().take(200).collect::<String>();
        let wrong = |why: &str| Failure::usage(format!("`{}` is not the address of a registry: {why}", shown()));
        let text = text.trim();
        if Self::lacks_scheme(text)
            && let Ok(url) = format!("http://{text}").parse::<Self>()
        {
            // What is on another machine has to be encrypted.
            let scheme = if url.is_exposed() { "https" } else { "http" };
            return Err(Failure::usage(format!("`{}` lacks http:// or https:// before it", shown()))
                .hint(format!("write {scheme}://{text}")));
        }
        let url = Url::parse(text).map_err(|_| wrong("use for example https://registry.example.com"))?;
        if url.scheme() == "file" {
            return Err(wrong("this client speaks to registries over HTTP; export and import read file registries"));
        }
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("use for example https://registry.example.com"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::usage("A registry's address holds no user or password; use `aam login`"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("leave out what follows `?` or `#`"));
        }
        let path = url.path().trim_end_matches('/').trim_end_matches("/api/v1");
        let origin = url.origin().ascii_serialization();
        Ok(Self(format!("{origin}{path}")))
    }
}

impl fmt::Display for RegistryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, Failure> {
        text.parse::<RegistryUrl>().map(|url| url.to_string())
    }

    #[test]
    fn one_registry_has_one_spelling() {
        assert_eq!(url("HTTP://LocalHost:8000/").expect("url"), "http://localhost:8000");
        assert_eq!(url("https://r.example.com:443").expect("url"), "https://r.example.com");
        assert_eq!(url("https://example.com/aam/api/v1/").expect("url"), "https://example.com/aam");
    }

    #[test]
    fn what_is_no_registry_is_refused() {
        for bad in ["", "localhost:8000", "file:///srv", "ftp://x", "http://u:p@x", "http://x/?a=b", "http://x/#a"] {
            assert!(url(bad).is_err(), "{bad:?} passed");
        }
    }

    #[test]
    fn an_address_without_its_scheme_is_told_apart_from_a_name() {
        for (text, meant) in [
            ("localhost:8000", "write http://localhost:8000"),
            ("127.0.0.1:8000/aam", "write http://127.0.0.1:8000/aam"),
            ("aam.example.com", "write https://aam.example.com"),
        ] {
            let failure = text.parse::<RegistryUrl>().expect_err("no scheme");
            assert_eq!(failure.hint.as_deref(), Some(meant), "{failure}");
        }
        assert!(!RegistryUrl::lacks_scheme("team") && !RegistryUrl::lacks_scheme("https://x.example"));
    }

    #[test]
    fn an_address_that_a_shell_acts_on_is_in_no_command() {
        for plain in ["http://localhost:8000", "https://aam.example.com/a-b_c/%7E~x", "http://[::1]:80"] {
            assert!(RegistryUrl::needs_no_quotes(plain), "{plain}");
        }
        for bad in ["http://x/$(id)", "http://x/a;b", "http://x/a'b", "http://x/?a&b", "http://x/`id`", "http://x/a b"]
        {
            assert!(!RegistryUrl::needs_no_quotes(bad), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_safe_on_this_machine_only() {
        let exposed = |text: &str| text.parse::<RegistryUrl>().expect("url").is_exposed();
        assert!(!exposed("http://localhost:8000") && !exposed("http://127.0.0.1") && !exposed("http://[::1]:80"));
        assert!(exposed("http://example.com") && !exposed("https://example.com"));
    }
}
