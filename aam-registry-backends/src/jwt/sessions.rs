use std::fmt;

use aam_registry_core::{
    Error, Result,
    ports::{Session, SessionSigner},
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::JwtConfig;

const ALGORITHM: Algorithm = Algorithm::HS256;

/// Distinguishes sessions from tokens of other services that share the secret by mistake.
const ISSUER: &str = "aam-registry";
const AUDIENCE: &str = "aam-registry-session";

/// Signs sessions as JWTs.
pub struct JwtSessions {
    signing: EncodingKey,
    /// The signing secret is first, because it signed most tokens.
    verifying: Vec<DecodingKey>,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    jti: String,
    /// The generation of the session; absent in tokens of releases without generations.
    #[serde(rename = "gen", default)]
    generation: u64,
    iat: i64,
    exp: i64,
}

impl JwtSessions {
    /// Signs with the first secret of `config` and verifies with all.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if a secret is too short to be safe.
    pub fn new(config: &JwtConfig) -> Result<Self> {
        let secrets = || std::iter::once(&config.signing).chain(&config.retired);
        if secrets().any(|secret| secret.len() < JwtConfig::MIN_SECRET_LEN) {
            return Err(Error::invalid_request(format!(
                "A JWT secret must have at least {} bytes; `openssl rand -hex 32` makes one",
                JwtConfig::MIN_SECRET_LEN
            )));
        }
        // Only this algorithm is accepted, whatever the token's header says.
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The expiry is checked against the caller's clock instead of the machine's.
        validation.validate_exp = false;
        Ok(Self {
            signing: EncodingKey::from_secret(&config.signing),
            verifying: secrets().map(|secret| DecodingKey::from_secret(secret)).collect(),
            validation,
        })
    }
}

impl fmt::Debug for JwtSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSessions").field("secrets", &self.verifying.len()).finish_non_exhaustive()
    }
}

impl SessionSigner for JwtSessions {
    fn sign(&self, session: &Session) -> Result<String> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: session.user.to_string(),
            jti: session.id.clone(),
            generation: session.generation,
            iat: session.issued_at.as_second(),
            exp: session.expires_at.as_second(),
        };
        encode(&Header::new(ALGORITHM), &claims, &self.signing).map_err(Error::internal)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Option<Session> {
        let claims = self.verifying.iter().find_map(|key| decode::<Claims>(token, key, &self.validation).ok())?.claims;
        let session = Session {
            id: claims.jti,
            user: claims.sub.parse().ok()?,
            generation: claims.generation,
            issued_at: Timestamp::from_second(claims.iat).ok()?,
            expires_at: Timestamp::from_second(claims.exp).ok()?,
        };
        (now < session.expires_at).then_some(session)
    }
}
