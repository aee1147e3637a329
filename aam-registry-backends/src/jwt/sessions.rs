use std::fmt;

use aam_registry_core::{
    Error, Result,
    ports::{Session, SessionSigner},
    types::Sha256Digest,
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::JwtConfig;

const ALGORITHM: Algorithm = Algorithm::HS256;

/// Distinguishes sessions from tokens of other services that share the secret by mistake.
const ISSUER: &str = "aam-registry";
const AUDIENCE: &str = "aam-registry-session";

/// Signs sessions as JWTs.
pub struct JwtSessions {
    signing: EncodingKey,
    /// The header of every token, with the id of the signing key.
    header: Header,
    /// By their ids. The signing secret is first, because it signed most tokens.
    verifying: Vec<(String, DecodingKey)>,
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
            header: Header { kid: Some(key_id(&config.signing)), ..Header::new(ALGORITHM) },
            verifying: secrets().map(|secret| (key_id(secret), DecodingKey::from_secret(secret))).collect(),
            validation,
        })
    }
}

/// The id of the key of a secret, which tells nothing about the secret: the first 16 hexadecimal digits of a SHA-256
/// over more than the secret itself.
fn key_id(secret: &[u8]) -> String {
    let digest = Sha256Digest::of(&[b"aam-registry session key: ", secret].concat());
    digest.to_string().chars().take(16).collect()
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
        encode(&self.header, &claims, &self.signing).map_err(Error::internal)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Option<Session> {
        // A token that names its key is verified with that key alone. Those of releases that named none are tried
        // with every key.
        let named = decode_header(token).ok()?.kid;
        let mut keys = self.verifying.iter().filter(|(id, _)| named.as_ref().is_none_or(|named| named == id));
        let claims = keys.find_map(|(_, key)| decode::<Claims>(token, key, &self.validation).ok())?.claims;
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
