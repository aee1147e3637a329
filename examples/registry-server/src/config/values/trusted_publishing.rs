//! Types of settings about trusted publishing.

use aam_registry_core::types::Issuer;

use crate::config::setting::{Refusal, Value};

/// Whose ID tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuers(pub(crate) Vec<Issuer>);

impl Value for Issuers {
    const PLACEHOLDER: &'static str = "ISSUERS";

    fn allowed() -> String {
        "a comma-separated list of `github`, `gitlab` and addresses such as `https://gitlab.example.com`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut issuers = Vec::new();
        for entry in text.split(',').map(str::trim) {
            let address = match entry {
                "github" => Issuer::GITHUB,
                "gitlab" => Issuer::GITLAB,
                address => address,
            };
            let issuer = Issuer::parse(address);
            let issuer = issuer.map_err(|wrong| Refusal::Because(format!("the issuer `{entry}` {wrong}")))?;
            if !issuers.contains(&issuer) {
                issuers.push(issuer);
            }
        }
        Ok(Self(issuers))
    }
}

/// Whom ID tokens have to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Audience(pub(crate) String);

impl Value for Audience {
    const PLACEHOLDER: &'static str = "AUDIENCE";

    fn allowed() -> String {
        "a text without spaces, such as the public address of the registry".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim_end_matches('/');
        let is_word = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_word { Ok(Self(text.to_owned())) } else { Err(Refusal::NotAllowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_addresses_or_known_by_name() {
        let Issuers(issuers) = Issuers::parse("github, https://gitlab.example.com,github").expect("a list");
        let issuers: Vec<_> = issuers.iter().map(Issuer::as_str).collect();
        assert_eq!(issuers, [Issuer::GITHUB, "https://gitlab.example.com"]);
        for bad in ["", "bitbucket", "http://gitlab.example.com", "github,"] {
            assert!(matches!(Issuers::parse(bad), Err(Refusal::Because(_))), "{bad}");
        }
    }

    #[test]
    fn an_audience_is_one_word() {
        assert_eq!(Audience::parse("https://a.example/").expect("one").0, "https://a.example");
        assert!(Audience::parse("a b").is_err() && Audience::parse("").is_err());
    }
}
