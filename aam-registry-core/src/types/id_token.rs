//! ID tokens of OpenID Connect providers.

use std::{collections::BTreeMap, fmt};

use http::Uri;
use jiff::Timestamp;

use crate::types::Sha256Digest;

/// The issuer of ID tokens: the `iss` claim, an `https` address without query and fragment. `http` is
/// taken for loopback addresses only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issuer(Box<str>);

impl Issuer {
    /// The most bytes of an issuer.
    pub const MAX_LEN: usize = 255;
    /// The issuer of GitHub Actions.
    pub const GITHUB: &str = "https://token.actions.githubusercontent.com";
    /// The issuer of GitLab.com.
    pub const GITLAB: &str = "https://gitlab.com";

    /// Checks an issuer. It is compared byte for byte with that of a token.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > Self::MAX_LEN {
            return Err("must have at most 255 bytes");
        }
        let example = "must be an address such as `https://gitlab.example.com`";
        let uri: Uri = text.parse().map_err(|_| example)?;
        let authority = uri.authority().ok_or(example)?;
        let is_loopback = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback => {}
            _ => return Err("must begin with `https://`"),
        }
        if authority.host().is_empty() || authority.as_str().contains('@') {
            return Err(example);
        }
        if uri.query().is_some() || text.contains(['#', '?']) {
            return Err("must have neither a query nor a fragment");
        }
        Ok(Self(text.into()))
    }

    /// The issuer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is GitHub's, or that of an enterprise on GitHub.com.
    pub fn is_github(&self) -> bool {
        self.0.strip_prefix(Self::GITHUB).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An ID token whose signature, issuer, audience and times were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    /// Who issued it.
    pub issuer: Issuer,
    /// What it stands for: the `sub` claim, at most 255 characters without control characters.
    pub subject: String,
    /// The `jti` claim, where it has one.
    pub id: Option<String>,
    /// The digest of the whole token.
    pub digest: Sha256Digest,
    /// The last instant at which it is taken, with the clock skew that is allowed.
    pub ends_at: Timestamp,
    /// The claims that are text, numbers or booleans, as text.
    pub claims: BTreeMap<String, String>,
}

impl IdToken {
    /// The most characters of a subject (OpenID Connect Core, section 2).
    pub const MAX_SUBJECT: usize = 255;

    /// What tells this token from all others: its issuer and `jti`, or its digest where it has none.
    pub fn key(&self) -> Sha256Digest {
        match &self.id {
            Some(id) => Sha256Digest::of(format!("{}\njti\n{id}", self.issuer).as_bytes()),
            None => Sha256Digest::of(format!("{}\ntoken\n{}", self.issuer, self.digest).as_bytes()),
        }
    }

    /// The name of what publishes with it: `trusted-publisher:<issuer>:<subject>`.
    pub fn principal_name(&self) -> String {
        format!("trusted-publisher:{}:{}", self.issuer, self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_https_addresses() {
        for good in [Issuer::GITHUB, Issuer::GITLAB, "https://gitlab.example.com:8443/git", "http://127.0.0.1:4711"] {
            assert_eq!(Issuer::parse(good).expect(good).as_str(), good);
        }
        for bad in [
            "",
            "gitlab.com",
            "http://gitlab.com",
            "ftp://x",
            "https://a@b",
            "https://a?b=c",
            "https://a#b",
            "https://",
        ] {
            assert!(Issuer::parse(bad).is_err(), "{bad}");
        }
        let is_github = |text: &str| Issuer::parse(text).expect(text).is_github();
        assert!(is_github(Issuer::GITHUB) && is_github(&format!("{}/acme", Issuer::GITHUB)));
        assert!(!is_github("https://token.actions.githubusercontent.com.example.com"));
    }

    #[test]
    fn a_token_is_told_by_its_jti_else_by_all_of_it() {
        let token = |issuer, id: Option<&str>, text: &str| IdToken {
            issuer: Issuer::parse(issuer).expect("an issuer"),
            subject: "repo:acme/kit".into(),
            id: id.map(str::to_owned),
            digest: Sha256Digest::of(text.as_bytes()),
            ends_at: Timestamp::UNIX_EPOCH,
            claims: BTreeMap::new(),
        };
        let one = token(Issuer::GITHUB, Some("1"), "a").key();
        assert_eq!(token(Issuer::GITHUB, Some("1"), "b").key(), one);
        assert_ne!(token(Issuer::GITLAB, Some("1"), "a").key(), one);
        assert_ne!(token(Issuer::GITHUB, None, "a").key(), token(Issuer::GITHUB, None, "b").key());
    }
}
