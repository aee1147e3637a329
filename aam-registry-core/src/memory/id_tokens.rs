use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    decide::{IdTokenFault, IdTokenRules},
    error::Result,
    ports::IdTokenVerifier,
    types::{IdToken, Issuer},
};

/// Takes the claims of an ID token as JSON, without a signature, which is what no real registry may do:
/// for examples and tests alone.
#[derive(Clone, Debug)]
pub struct InsecureIdTokens {
    issuers: Vec<Issuer>,
    audience: String,
}

impl InsecureIdTokens {
    /// Takes tokens of these issuers that are for `audience`.
    pub fn new(issuers: impl IntoIterator<Item = Issuer>, audience: impl Into<String>) -> Self {
        Self { issuers: issuers.into_iter().collect(), audience: audience.into() }
    }
}

#[async_trait]
impl IdTokenVerifier for InsecureIdTokens {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<IdToken> {
        let Ok(Value::Object(claims)) = serde_json::from_str(token) else { return Err(IdTokenFault::Malformed.into()) };
        let claimed = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let known = self.issuers.iter().find(|issuer| issuer.as_str() == claimed);
        let issuer = known.ok_or_else(|| IdTokenFault::unknown_issuer(claimed))?;
        Ok(IdTokenRules { issuer, audience: &self.audience, now }.check(token, &claims)?)
    }

    fn issuers(&self) -> Vec<Issuer> {
        self.issuers.clone()
    }

    fn audience(&self) -> String {
        self.audience.clone()
    }
}
