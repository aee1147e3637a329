//! Which ID tokens are taken.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::{
    error::Error,
    types::{IdToken, Issuer, Sha256Digest},
};

/// How far the clock of an issuer may be from ours.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// The most characters of a text that a refusal repeats.
const TOLD: usize = 200;

/// Why an ID token is not taken. `Display` is the message for clients.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenFault {
    /// It is no JSON Web Token in compact form, or too long.
    #[error("This is not an ID token: a JSON Web Token of at most 16 KiB is expected")]
    Malformed,
    /// The operator takes no tokens of its issuer.
    #[error(
        "This registry takes no ID tokens of the issuer `{0}`; its operator may add it to TRUSTED_PUBLISHING_ISSUERS"
    )]
    UnknownIssuer(String),
    /// Its algorithm is none that is taken, or not that of the key.
    #[error(
        "The ID token is signed by `{0}`; only ES256, RS256 and EdDSA with the issuer's own key of that type are taken"
    )]
    Algorithm(String),
    /// It demands extensions that this registry does not know.
    #[error("The ID token demands extensions (`crit`) that this registry does not know")]
    Extensions,
    /// The issuer publishes no key of its id.
    #[error("The issuer of the ID token publishes no key `{0}`; ask for a new token")]
    UnknownKey(String),
    /// Its signature is wrong.
    #[error("The signature of the ID token is wrong")]
    Signature,
    /// It is meant for others, or for others too.
    #[error("The ID token is for the audience `{found}`; ask for one whose only audience is `{expected}`")]
    Audience {
        /// Whom it is for.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// It has expired.
    #[error("The ID token has expired; ask for a new one")]
    Expired,
    /// It is not valid yet.
    #[error("The ID token is not valid yet; compare the clocks of its issuer and of this registry")]
    NotYetValid,
    /// A claim is missing or malformed.
    #[error("The claim `{0}` of the ID token is missing or malformed")]
    Claim(&'static str),
}

impl From<IdTokenFault> for Error {
    fn from(fault: IdTokenFault) -> Self {
        Self::Unauthorized(fault.to_string())
    }
}

impl IdTokenFault {
    /// The operator takes no tokens of `issuer`.
    pub fn unknown_issuer(issuer: &str) -> Self {
        Self::UnknownIssuer(told(issuer))
    }

    /// A token is not signed by the algorithm `found`.
    pub fn algorithm(found: &str) -> Self {
        Self::Algorithm(told(found))
    }

    /// The issuer publishes no key `id`.
    pub fn unknown_key(id: &str) -> Self {
        Self::UnknownKey(told(id))
    }
}

/// What an ID token has to say beside its signature, which a verifier has checked before.
#[derive(Clone, Debug)]
pub struct IdTokenRules<'a> {
    /// Whose keys signed it.
    pub issuer: &'a Issuer,
    /// The only audience that it may be for.
    pub audience: &'a str,
    /// The instant; the clock of an issuer may be a minute ahead or behind.
    pub now: Timestamp,
}

impl IdTokenRules<'_> {
    /// Checks the claims of the token `text`.
    ///
    /// # Errors
    /// The first fault: of the issuer, the audience, the times, the subject and the `jti`, in this order.
    pub fn check(&self, text: &str, claims: &Map<String, Value>) -> Result<IdToken, IdTokenFault> {
        let issuer = claims.get("iss").and_then(Value::as_str).ok_or(IdTokenFault::Claim("iss"))?;
        if issuer != self.issuer.as_str() {
            return Err(IdTokenFault::unknown_issuer(issuer));
        }
        self.check_audience(claims)?;
        let instant = |name| instant(claims, name);
        let ends_at = instant("exp")?.ok_or(IdTokenFault::Claim("exp"))?;
        let ends_at = ends_at.checked_add(SKEW).map_err(|_| IdTokenFault::Claim("exp"))?;
        if self.now >= ends_at {
            return Err(IdTokenFault::Expired);
        }
        let soon = self.now.checked_add(SKEW).unwrap_or(Timestamp::MAX);
        if [instant("nbf")?, instant("iat")?].into_iter().flatten().any(|from| from > soon) {
            return Err(IdTokenFault::NotYetValid);
        }
        let subject = line(claims, "sub")?.ok_or(IdTokenFault::Claim("sub"))?;
        Ok(IdToken {
            issuer: self.issuer.clone(),
            subject,
            id: line(claims, "jti")?,
            digest: Sha256Digest::of(text.as_bytes()),
            ends_at,
            claims: texts(claims),
        })
    }

    /// A token for several audiences could be used here by one of the others.
    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), IdTokenFault> {
        let found: Vec<_> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => return Err(IdTokenFault::Claim("aud")),
        };
        if found == [self.audience] {
            return Ok(());
        }
        Err(IdTokenFault::Audience { found: told(&found.join("`, `")), expected: self.audience.to_owned() })
    }
}

fn told(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(TOLD).collect()
}

/// A time claim (RFC 7519, section 2): seconds since 1970, with or without a fraction.
fn instant(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, IdTokenFault> {
    let fault = || IdTokenFault::Claim(name);
    let Some(value) = claims.get(name) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "a number out of range becomes one that is no instant")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64)).ok_or_else(fault)?;
    Timestamp::from_second(seconds).map(Some).map_err(|_| fault())
}

/// A claim that is a line of text, not empty.
fn line(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, IdTokenFault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let is_line = |text: &&str| {
        !text.is_empty() && text.chars().count() <= IdToken::MAX_SUBJECT && !text.chars().any(char::is_control)
    };
    let text = value.as_str().filter(is_line).ok_or(IdTokenFault::Claim(name))?;
    Ok(Some(text.to_owned()))
}

/// The claims that publishers can name: text, numbers and booleans.
fn texts(claims: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    claims.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn claims(change: &Value) -> Map<String, Value> {
        let mut claims = json!({
            "iss": "https://ci.example", "aud": "https://registry.example", "sub": "repo:acme/kit", "jti": "1",
            "iat": NOW, "nbf": NOW, "exp": NOW + 300, "run": 7, "fork": false, "list": ["x"],
        });
        for (name, value) in change.as_object().expect("an object") {
            if value.is_null() {
                claims.as_object_mut().expect("an object").remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims.as_object().expect("an object").clone()
    }

    fn check(change: &Value) -> Result<IdToken, IdTokenFault> {
        let issuer = Issuer::parse("https://ci.example").expect("an issuer");
        let now = Timestamp::from_second(NOW).expect("an instant");
        IdTokenRules { issuer: &issuer, audience: "https://registry.example", now }.check("token", &claims(change))
    }

    #[test]
    fn a_good_token_gives_its_claims_as_text() {
        let token = check(&json!({})).expect("good");
        assert_eq!((token.subject.as_str(), token.id.as_deref()), ("repo:acme/kit", Some("1")));
        assert_eq!((token.claims["run"].as_str(), token.claims["fork"].as_str()), ("7", "false"));
        assert!(!token.claims.contains_key("list"));
        assert_eq!(token.ends_at.as_second(), NOW + 360);
        assert!(check(&json!({"aud": ["https://registry.example"]})).is_ok(), "one audience in a list");
        assert_eq!(check(&json!({"jti": null})).expect("good").id, None);
        assert!(check(&json!({"exp": 1_800_000_000.5})).is_ok(), "within the skew");
    }

    #[test]
    fn each_fault_is_found() {
        let audience =
            |found: &str| IdTokenFault::Audience { found: found.into(), expected: "https://registry.example".into() };
        for (change, fault) in [
            (json!({"iss": "https://other.example"}), IdTokenFault::UnknownIssuer("https://other.example".into())),
            (json!({"iss": "https://ci.example/"}), IdTokenFault::UnknownIssuer("https://ci.example/".into())),
            (json!({"iss": null}), IdTokenFault::Claim("iss")),
            (json!({"aud": "sts.amazonaws.com"}), audience("sts.amazonaws.com")),
            (json!({"aud": ["https://registry.example", "other"]}), audience("https://registry.example`, `other")),
            (json!({"aud": []}), audience("")),
            (json!({"aud": null}), IdTokenFault::Claim("aud")),
            (json!({"exp": NOW - 60}), IdTokenFault::Expired),
            (json!({"exp": null}), IdTokenFault::Claim("exp")),
            (json!({"exp": "soon"}), IdTokenFault::Claim("exp")),
            (json!({"exp": i64::MAX}), IdTokenFault::Claim("exp")),
            (json!({"exp": 1e300}), IdTokenFault::Claim("exp")),
            (json!({"nbf": NOW + 61}), IdTokenFault::NotYetValid),
            (json!({"iat": NOW + 61}), IdTokenFault::NotYetValid),
            (json!({"sub": null}), IdTokenFault::Claim("sub")),
            (json!({"sub": "a\nb"}), IdTokenFault::Claim("sub")),
            (json!({"sub": "x".repeat(256)}), IdTokenFault::Claim("sub")),
            (json!({"jti": 7}), IdTokenFault::Claim("jti")),
            (json!({"jti": ""}), IdTokenFault::Claim("jti")),
        ] {
            assert_eq!(check(&change), Err(fault), "{change}");
        }
        assert!(check(&json!({"exp": NOW - 59, "nbf": NOW + 60})).is_ok(), "clocks differ by a minute");
    }
}
