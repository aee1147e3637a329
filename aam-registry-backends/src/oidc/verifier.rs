use std::{fmt, sync::Arc};

use aam_registry_core::{
    Error, Result,
    decide::{IdTokenFault, IdTokenRules},
    ports::IdTokenVerifier,
    types::{IdToken, Issuer},
};
use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    DocumentSource,
    keys::{Found, IssuerKeys},
};

/// The most bytes of a token.
const MAX_TOKEN: usize = 16 << 10;

/// Verifies ID tokens of some issuers.
pub struct OidcIdTokens {
    issuers: Vec<IssuerKeys>,
    audience: String,
    documents: Arc<dyn DocumentSource>,
}

/// The head of a token (RFC 7515, section 4).
#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl OidcIdTokens {
    /// Takes tokens of these issuers that are for `audience` alone, and fetches their keys by `documents`.
    pub fn new(
        issuers: impl IntoIterator<Item = Issuer>,
        audience: impl Into<String>,
        documents: impl DocumentSource,
    ) -> Self {
        let issuers = issuers.into_iter().map(IssuerKeys::new).collect();
        Self { issuers, audience: audience.into(), documents: Arc::new(documents) }
    }
}

impl fmt::Debug for OidcIdTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcIdTokens")
            .field("issuers", &self.issuers())
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl IdTokenVerifier for OidcIdTokens {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<IdToken> {
        if token.len() > MAX_TOKEN {
            return Err(IdTokenFault::Malformed.into());
        }
        let parts: Vec<_> = token.split('.').collect();
        let [head, claims, _] = parts[..] else { return Err(IdTokenFault::Malformed.into()) };
        let head: Head = json(head)?;
        // Only to find the issuer: nothing else is believed before the signature is checked.
        let claimed: Map<String, Value> = json(claims)?;
        let claimed = claimed.get("iss").and_then(Value::as_str).ok_or(IdTokenFault::Claim("iss"))?;
        let keys = self.issuers.iter().find(|keys| keys.issuer.as_str() == claimed);
        let keys = keys.ok_or_else(|| IdTokenFault::unknown_issuer(claimed))?;
        if head.crit.is_some() {
            return Err(IdTokenFault::Extensions.into());
        }
        let algorithm = match head.alg.as_str() {
            "ES256" => Algorithm::ES256,
            "RS256" => Algorithm::RS256,
            "EdDSA" => Algorithm::EdDSA,
            other => return Err(IdTokenFault::algorithm(other).into()),
        };
        let found = keys.find(head.kid.as_deref(), &*self.documents, now).await;
        let found = found.map_err(|_| Error::IssuerUnavailable(keys.issuer.clone()))?;
        if found.is_empty() {
            return Err(IdTokenFault::unknown_key(head.kid.as_deref().unwrap_or_default()).into());
        }
        let claims = signed(token, algorithm, &found)?;
        Ok(IdTokenRules { issuer: &keys.issuer, audience: &self.audience, now }.check(token, &claims)?)
    }

    fn issuers(&self) -> Vec<Issuer> {
        self.issuers.iter().map(|keys| keys.issuer.clone()).collect()
    }

    fn audience(&self) -> String {
        self.audience.clone()
    }
}

fn json<T: for<'de> Deserialize<'de>>(part: &str) -> std::result::Result<T, IdTokenFault> {
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| IdTokenFault::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| IdTokenFault::Malformed)
}

/// The claims, where a key of that algorithm signed them.
fn signed(token: &str, algorithm: Algorithm, found: &Found) -> std::result::Result<Map<String, Value>, IdTokenFault> {
    let mut validation = Validation::new(algorithm);
    // These are checked by the registry's own rules.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let mut fitting = found.iter().filter(|key| key.algorithm == algorithm).peekable();
    if fitting.peek().is_none() {
        return Err(IdTokenFault::algorithm(&format!("{algorithm:?}")));
    }
    let claims = fitting.find_map(|key| decode::<Map<String, Value>>(token, &key.key, &validation).ok());
    claims.map(|decoded| decoded.claims).ok_or(IdTokenFault::Signature)
}
