//! Types of settings about accounts.

use std::{collections::BTreeSet, fmt};

use aam_registry_backends::{jwt::JwtConfig, secrets::SecretKeys};
use aam_registry_core::{
    registry::ApprovalPolicy,
    types::{DistTag, ScopeName, TagPattern, Username},
};
use secrecy::SecretString;

use crate::config::setting::{Refusal, Value};

impl Value for Username {
    const PLACEHOLDER: &'static str = "NAME";

    fn allowed() -> String {
        "3 to 64 lower-case letters, digits, hyphens and underscores, starting with a letter or digit".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(|_| Refusal::NotAllowed)
    }
}

/// An e-mail address; the registry checks it when the account is created.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EmailAddress(pub(crate) String);

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl Value for EmailAddress {
    const PLACEHOLDER: &'static str = "EMAIL";

    fn allowed() -> String {
        "an e-mail address".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text.split_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(Refusal::NotAllowed),
        }
    }
}

/// The password of an administrator; the registry checks it when the account is created.
#[derive(Clone, Debug)]
pub(crate) struct AdminPassword(pub(crate) SecretString);

impl Value for AdminPassword {
    const PLACEHOLDER: &'static str = "PASSWORD";

    fn allowed() -> String {
        "at least 12 characters".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.chars().count() < 12 { Err(Refusal::NotAllowed) } else { Ok(Self(text.into())) }
    }
}

/// The secrets of login sessions: the first signs, all verify.
#[derive(Clone, Debug)]
pub(crate) struct JwtSecrets {
    /// The secret that signs.
    pub(crate) first: SecretString,
    /// Secrets that signed earlier sessions.
    pub(crate) retired: Vec<SecretString>,
}

impl Value for JwtSecrets {
    const PLACEHOLDER: &'static str = "SECRETS";

    fn allowed() -> String {
        format!(
            "a comma-separated list of secrets, each of at least {} bytes; `openssl rand -hex 32` makes one",
            JwtConfig::MIN_SECRET_LEN
        )
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let (first, retired) = rotating(text, JwtConfig::MIN_SECRET_LEN)?;
        Ok(Self { first, retired })
    }
}

/// A comma-separated list of secrets of at least `least` bytes: the first, and the others.
fn rotating(text: &str, least: usize) -> Result<(SecretString, Vec<SecretString>), Refusal> {
    let secrets: Vec<_> = text.split(',').map(str::trim).collect();
    if secrets.iter().any(|secret| secret.len() < least) {
        return Err(Refusal::Because("one of its secrets is too short to be safe".to_owned()));
    }
    let mut secrets = secrets.into_iter().map(SecretString::from);
    let first = secrets.next().ok_or(Refusal::NotAllowed)?;
    Ok((first, secrets.collect()))
}

/// The keys of stored secrets: the first encrypts, all decrypt.
#[derive(Clone, Debug)]
pub(crate) struct SecretsKeys {
    /// The key that encrypts.
    pub(crate) first: SecretString,
    /// Keys that encrypted earlier secrets.
    pub(crate) retired: Vec<SecretString>,
}

impl Value for SecretsKeys {
    const PLACEHOLDER: &'static str = "KEYS";

    fn allowed() -> String {
        format!(
            "a comma-separated list of keys, each of at least {} bytes; `openssl rand -hex 32` makes one",
            SecretKeys::MIN_LEN
        )
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let (first, retired) = rotating(text, SecretKeys::MIN_LEN)?;
        Ok(Self { first, retired })
    }
}

/// Dist-tags and patterns of dist-tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TagList(pub(crate) Vec<TagPattern>);

impl Value for TagList {
    const PLACEHOLDER: &'static str = "TAGS";

    fn allowed() -> String {
        "a comma-separated list of dist-tags such as `beta,stable`, in which `*` stands for any characters: `release-*`"
            .to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.split(',')
            .map(|tag| tag.trim().parse())
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|error| Refusal::Because(error.to_string()))
    }
}

/// Dist-tags that name only approved versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GatedTags(pub(crate) Vec<TagPattern>);

impl Value for GatedTags {
    const PLACEHOLDER: &'static str = "TAGS";

    fn allowed() -> String {
        format!("`off`, or {}", TagList::allowed())
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        if matches!(text.trim().to_ascii_lowercase().as_str(), "off" | "false" | "no" | "none" | "0") {
            return Ok(Self(Vec::new()));
        }
        let TagList(tags) = TagList::parse(text)?;
        if tags.iter().any(|tag| tag.as_str() == DistTag::LATEST) {
            return Err(Refusal::Because(
                "the registry itself moves `latest`; REQUIRE_APPROVAL makes versions wait before it names them"
                    .to_owned(),
            ));
        }
        Ok(Self(tags))
    }
}

/// Which versions wait for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApprovalChoice(pub(crate) ApprovalPolicy);

impl Value for ApprovalChoice {
    const PLACEHOLDER: &'static str = "WHICH";

    fn allowed() -> String {
        "`off`, `all`, or a comma-separated list of scopes such as `@acme,@legal`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        Ok(Self(match text.trim().to_ascii_lowercase().as_str() {
            "off" | "no" | "false" | "0" => ApprovalPolicy::NotRequired,
            "all" | "on" | "yes" | "true" | "1" => ApprovalPolicy::All,
            _ => {
                let scope = |name: &str| {
                    let name = name.trim();
                    name.strip_prefix('@').unwrap_or(name).parse::<ScopeName>()
                };
                let scopes: Result<BTreeSet<_>, _> = text.split(',').map(scope).collect();
                ApprovalPolicy::Scopes(scopes.map_err(|error| Refusal::Because(error.to_string()))?)
            }
        }))
    }
}

/// Names of scopes or users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameList(pub(crate) Vec<String>);

impl Value for NameList {
    const PLACEHOLDER: &'static str = "NAMES";

    fn allowed() -> String {
        "a comma-separated list of names such as `acme,legal`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.split(',')
            .map(|name| name.trim().parse::<ScopeName>().map(|name| name.as_str().to_owned()))
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|error| Refusal::Because(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn secrets_rotate_and_are_never_shown() {
        let (new, old) = ("n".repeat(32), "o".repeat(32));
        let secrets = JwtSecrets::parse(&format!("{new}, {old}")).expect("a list");
        assert_eq!(secrets.first.expose_secret(), new);
        assert_eq!(secrets.retired[0].expose_secret(), old);
        assert!(!format!("{secrets:?}").contains(&new));
    }

    #[test]
    fn a_short_secret_is_refused_wherever_it_stands() {
        let long = "n".repeat(32);
        for bad in ["short".to_owned(), format!("{long},short"), format!("{long},,{long}"), format!("{long},")] {
            assert!(matches!(JwtSecrets::parse(&bad), Err(Refusal::Because(_))), "{bad}");
        }
    }

    #[test]
    fn a_bad_tag_is_named() {
        let TagList(tags) = TagList::parse("stable, release-*").expect("patterns");
        assert_eq!(tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["stable", "release-*"]);
        assert_eq!(GatedTags::parse("off").expect("none").0, []);
        assert_eq!(GatedTags::parse("stable,lts-*").expect("patterns").0.len(), 2);
        let Err(Refusal::Because(reason)) = GatedTags::parse("stable,latest") else { panic!("latest passed") };
        assert!(reason.contains("REQUIRE_APPROVAL"), "{reason}");
        let Err(Refusal::Because(reason)) = TagList::parse("beta,1.2.3") else { panic!("1.2.3 passed") };
        assert!(reason.contains("1.2.3"));
    }
}
