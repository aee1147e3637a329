//! The keys of one issuer.

use std::sync::{Arc, PoisonError, RwLock};

use aam_registry_core::types::Issuer;
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::DocumentSource;

/// How long keys are used before they are fetched again.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// How long they are used while the issuer cannot be reached.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// How long after an attempt the issuer is not asked again, whatever key a token names.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// The same after a failure, while there are no keys.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// The most keys of an issuer.
const MAX_KEYS: usize = 100;
/// The fewest bytes of the modulus of an RSA key (RFC 7518, section 3.3).
const MIN_RSA: usize = 256;

/// A key, and the only algorithm that it verifies.
pub(super) struct VerifyingKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The keys of an issuer: fetched when first needed, again every hour, and when a token names an unknown
/// one, but at most once a minute.
pub(super) struct IssuerKeys {
    pub(super) issuer: Issuer,
    known: RwLock<Option<Known>>,
    /// When the issuer was last asked; held while it is.
    asked: Mutex<Option<Timestamp>>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<Vec<VerifyingKey>>,
    since: Timestamp,
}

/// The issuer cannot be reached, and there are no keys of it.
pub(super) struct Unavailable;

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl IssuerKeys {
    pub(super) fn new(issuer: Issuer) -> Self {
        Self { issuer, known: RwLock::new(None), asked: Mutex::new(None) }
    }

    /// The keys of that id, or all where a token names none; empty where the issuer has none.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        documents: &dyn DocumentSource,
        now: Timestamp,
    ) -> Result<Found, Unavailable> {
        if let Some(found) = self.fresh(id, now) {
            return Ok(found);
        }
        let mut asked = self.asked.lock().await;
        // Another request may have asked in the meantime.
        if let Some(found) = self.fresh(id, now) {
            return Ok(found);
        }
        let pause = if self.known().is_some() { PAUSE } else { RETRY };
        if asked.is_none_or(|asked| !is_within(pause, asked, now)) {
            *asked = Some(now);
            match self.fetch(documents).await {
                Ok(keys) => {
                    let known = Known { keys: Arc::new(keys), since: now };
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
                }
                Err(error) => tracing::warn!(
                    event = "issuer_keys_failed",
                    issuer = self.issuer.as_str(),
                    error,
                    "the keys of an issuer of ID tokens cannot be fetched",
                ),
            }
        }
        drop(asked);
        let known = self.known().filter(|known| is_within(STALE, known.since, now)).ok_or(Unavailable)?;
        Ok(Found::of(&known, id))
    }

    /// The same from keys that need not be fetched again; `None` where there are none of that id.
    fn fresh(&self, id: Option<&str>, now: Timestamp) -> Option<Found> {
        let known = self.known().filter(|known| is_within(FRESH, known.since, now))?;
        Some(Found::of(&known, id)).filter(|found| !found.is_empty())
    }

    fn known(&self) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Discovery (OpenID Connect Discovery, section 4), then the keys that it names.
    async fn fetch(&self, documents: &dyn DocumentSource) -> Result<Vec<VerifyingKey>, String> {
        let issuer = self.issuer.as_str();
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery: Discovery = parse(&address, &documents.get(&self.issuer, &address).await?)?;
        if discovery.issuer != issuer {
            return Err(format!("{address} is of the issuer `{}`", discovery.issuer.escape_debug()));
        }
        let keys_at = discovery.jwks_uri;
        let is_plain = issuer.starts_with("http://") && keys_at.starts_with("http://");
        if !keys_at.starts_with("https://") && !is_plain {
            return Err(format!("{address} names keys at an address that is not https"));
        }
        let set: JwkSet = parse_keys(&keys_at, &documents.get(&self.issuer, &keys_at).await?)?;
        let keys: Vec<_> = set.keys.iter().take(MAX_KEYS).filter_map(verifying_key).collect();
        if keys.is_empty() {
            return Err(format!("{keys_at} has no key for ES256, RS256 or EdDSA"));
        }
        Ok(keys)
    }
}

/// Whether less than `time` lies between the two instants. A clock that was set back ends it, too.
fn is_within(time: SignedDuration, since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since).abs() < time
}

fn parse<T: for<'de> Deserialize<'de>>(address: &str, document: &[u8]) -> Result<T, String> {
    serde_json::from_slice(document).map_err(|error| format!("{address} is not the document expected: {error}"))
}

/// Keys of a kind that is not known are passed over, as RFC 7517, section 5 demands.
fn parse_keys(address: &str, document: &[u8]) -> Result<JwkSet, String> {
    let set: serde_json::Value = parse(address, document)?;
    let keys = set["keys"].as_array().ok_or_else(|| format!("{address} has no list `keys`"))?;
    Ok(JwkSet { keys: keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect() })
}

/// A key with the algorithm that its type is pinned to; `None` for a key that signs nothing taken here.
fn verifying_key(jwk: &Jwk) -> Option<VerifyingKey> {
    let (algorithm, key) = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, DecodingKey::from_jwk(jwk).ok()?)
        }
        AlgorithmParameters::RSA(key) => {
            let modulus = BASE64URL_NOPAD.decode(key.n.as_bytes()).ok()?;
            let first = modulus.iter().position(|byte| *byte != 0)?;
            if modulus.len() - first < MIN_RSA {
                return None;
            }
            (Algorithm::RS256, DecodingKey::from_jwk(jwk).ok()?)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, DecodingKey::from_jwk(jwk).ok()?)
        }
        _ => return None,
    };
    let is_for_signing = jwk.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    let agrees = jwk.common.key_algorithm.is_none_or(|of| of == KeyAlgorithm::from(algorithm));
    (is_for_signing && agrees).then(|| VerifyingKey { id: jwk.common.key_id.clone(), algorithm, key })
}

/// Keys that a token may be signed by.
pub(super) struct Found {
    keys: Arc<Vec<VerifyingKey>>,
    places: Vec<usize>,
}

impl Found {
    fn of(known: &Known, id: Option<&str>) -> Self {
        let fits = |key: &VerifyingKey| id.is_none_or(|id| key.id.as_deref() == Some(id));
        let places = known.keys.iter().enumerate().filter(|(_, key)| fits(key)).map(|(at, _)| at).collect();
        Self { keys: Arc::clone(&known.keys), places }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.places.iter().map(|at| &self.keys[*at])
    }
}
