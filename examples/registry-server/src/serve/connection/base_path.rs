use http::{Uri, uri::PathAndQuery};

/// The path of the public address, below which a proxy serves the registry. Some proxies remove it from the paths of
/// requests, others pass it on; both reach the registry, which knows paths without it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::serve) struct BasePath(String);

impl BasePath {
    /// The path of a public address.
    pub(in crate::serve) fn of(base_url: &str) -> Self {
        let path = base_url.parse::<Uri>().map_or_else(|_| String::new(), |uri| uri.path().to_owned());
        Self(path.trim_end_matches('/').to_owned())
    }

    /// The address without the path, if it begins with it.
    pub(super) fn below(&self, uri: &Uri) -> Option<Uri> {
        if self.0.is_empty() {
            return None;
        }
        let rest = uri.path_and_query()?.as_str().strip_prefix(&self.0)?;
        let below = match rest.bytes().next() {
            None => PathAndQuery::from_static("/"),
            Some(b'/') => rest.parse().ok()?,
            Some(b'?') => format!("/{rest}").parse().ok()?,
            Some(_) => return None,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(below);
        Uri::from_parts(parts).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_removed_once_and_as_a_whole() {
        let base = BasePath::of("https://example.com/tools/registry/");
        let below = |uri: &str| base.below(&uri.parse().expect("an address")).map(|uri| uri.to_string());
        assert_eq!(below("/tools/registry/api/v1/packages?q=a"), Some("/api/v1/packages?q=a".to_owned()));
        assert_eq!(below("/tools/registry"), Some("/".to_owned()));
        assert_eq!(below("/tools/registry?a"), Some("/?a".to_owned()));
        assert_eq!(below("http://x/tools/registry/health"), Some("http://x/health".to_owned()));
        for other in ["/tools/registry2/api", "/api/v1/packages", "/tools", "/x/tools/registry/api"] {
            assert_eq!(below(other), None, "{other}");
        }
        assert_eq!(BasePath::of("https://example.com").below(&Uri::from_static("/api")), None);
    }
}
