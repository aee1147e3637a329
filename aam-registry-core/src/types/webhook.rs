//! Where webhooks are sent, and what they are signed with.

use std::fmt;

use data_encoding::BASE64;
use http::Uri;

const SECRET_PREFIX: &str = "whsec_";
/// The most bytes of an address.
const MAX_URL: usize = 2048;

/// The address of a receiver: HTTP or HTTPS, on port 80, 443 or above 1023,
/// with no user, password or fragment. Its host is checked when it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// What is wrong with it, without quoting it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_URL {
            return Err("must have at most 2048 bytes");
        }
        let uri: Uri = text.parse().map_err(|_| "must be an address such as `https://hooks.example.com/aam`")?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("must begin with `https://` or `http://`");
        }
        let authority = uri.authority().ok_or("must name a host")?;
        if authority.host().is_empty() {
            return Err("must name a host");
        }
        if authority.as_str().contains('@') || text.contains('#') {
            return Err("must hold no user name, password or fragment");
        }
        match authority.port() {
            None if authority.as_str().ends_with(':') => Err("must name a port after the `:`"),
            Some(port) if !matches!(port.as_u16(), 80 | 443 | 1024..) => Err("must be on port 80, 443 or above 1023"),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The address as it was given. Its path may be a secret of the receiver.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host in lower case.
    pub fn host(&self) -> String {
        let host = self.0.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_lowercase));
        host.unwrap_or_default()
    }
}

/// The name of an operator's webhook: 1 to 64 lower-case letters, digits, dots, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebhookName(String);

impl WebhookName {
    /// Checks a name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let may_be = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        let is_name = (1..=64).contains(&text.len()) && text.bytes().all(may_be);
        let wrong = "must be 1 to 64 lower-case letters, digits, dots, hyphens and underscores";
        is_name.then(|| Self(text.to_owned())).ok_or(wrong)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What deliveries are signed with: `whsec_` and base64 of 24 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// Checks a secret.
    ///
    /// # Errors
    /// What is wrong with it, without quoting it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = "must be `whsec_` and base64 of 24 to 64 bytes, as `echo whsec_$(openssl rand -base64 32)` makes";
        let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|text| BASE64.decode(text.as_bytes()).ok());
        bytes.filter(|bytes| (24..=64).contains(&bytes.len())).map(|_| Self(text.to_owned())).ok_or(wrong)
    }

    /// A new secret of 32 random bytes.
    pub fn generate() -> Self {
        Self(format!("{SECRET_PREFIX}{}", BASE64.encode(&rand::random::<[u8; 32]>())))
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_http() {
        for good in ["https://h.example/x?y=1", "http://10.0.0.1:8080", "https://[2001:db8::1]/", "https://h:443/"] {
            assert!(WebhookUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/x",
            "h.example",
            "ftp://h.example",
            "file:///etc/passwd",
            "https://u:p@h.example/",
            "https://h.example/#x",
            "https://h.example:22/",
            "https://h.example:0/",
            "https://h.example:/",
            "https:///x",
        ] {
            assert!(WebhookUrl::parse(bad).is_err(), "{bad}");
        }
        assert!(WebhookUrl::parse(&format!("https://h.example/{}", "x".repeat(MAX_URL))).is_err());
    }

    #[test]
    fn a_name_is_plain() {
        assert_eq!(WebhookUrl::parse("https://Hooks.example/x").expect("an address").host(), "hooks.example");
        for good in ["ci", "hooks.example", "a-b_c.9"] {
            assert!(WebhookName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "@team/x", "A", "a b", "a:b", &"x".repeat(65)] {
            assert!(WebhookName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        let of = |count| WebhookSecret::parse(&format!("{SECRET_PREFIX}{}", BASE64.encode(&vec![7; count])));
        assert_eq!([23, 24, 64, 65].map(|count| of(count).is_ok()), [false, true, true, false]);
        assert!(WebhookSecret::parse(&BASE64.encode(&[7; 32])).is_err());
        assert!(WebhookSecret::parse("whsec_%").is_err());
        assert!(WebhookSecret::parse(WebhookSecret::generate().expose()).is_ok());
        assert!(!format!("{:?}", of(32)).contains("Bwc"));
    }
}
