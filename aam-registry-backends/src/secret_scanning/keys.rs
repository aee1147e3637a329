use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aam_registry_core::{
    Error, Result,
    ports::{ScannerSignature, ScannerSignatures},
};
use async_trait::async_trait;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::KeySource;

/// How long keys are used before they are fetched again.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// How long they are used while they cannot be fetched.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// How long after an attempt they are not fetched again, whatever key a report names.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// The same after a failure, while there are none.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// The most keys of a list.
const MAX_KEYS: usize = 100;

/// The keys with which secret scanners sign what they report: fetched when first needed, again every hour, and when a
/// report names an unknown one, but at most once a minute.
pub struct ScannerKeys {
    source: KeySource,
    known: RwLock<Option<Known>>,
    /// When the keys were last asked for; held while they are.
    asked: Mutex<Option<Timestamp>>,
}

/// Keys by their id, in the form of `SubjectPublicKeyInfo` (RFC 5280).
#[derive(Clone)]
struct Known {
    keys: Arc<BTreeMap<String, Vec<u8>>>,
    since: Timestamp,
}

/// The list as it is published.
#[derive(Deserialize)]
struct List {
    public_keys: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    key_identifier: String,
    key: String,
}

impl ScannerKeys {
    /// Has the keys from `source`.
    pub fn new(source: KeySource) -> Self {
        Self { source, known: RwLock::new(None), asked: Mutex::new(None) }
    }

    async fn find(&self, id: &str, now: Timestamp) -> Result<Option<Vec<u8>>> {
        if let Some(key) = self.fresh(id, now) {
            return Ok(Some(key));
        }
        let mut asked = self.asked.lock().await;
        // Another request may have asked in the meantime.
        if let Some(key) = self.fresh(id, now) {
            return Ok(Some(key));
        }
        let pause = if self.known().is_some() { PAUSE } else { RETRY };
        if asked.is_none_or(|asked| !is_within(pause, asked, now)) {
            *asked = Some(now);
            let fetched = self.source.get().await;
            match fetched.and_then(|list| parse(&list)) {
                Ok(keys) => {
                    let known = Known { keys: Arc::new(keys), since: now };
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
                }
                Err(error) => tracing::warn!(
                    event = "scanner_keys_failed",
                    error,
                    "the keys of secret scanners, TOKEN_REPORT_KEYS, cannot be had",
                ),
            }
        }
        drop(asked);
        let known = self.known().filter(|known| is_within(STALE, known.since, now));
        let known = known.ok_or(Error::ScannerKeysUnavailable)?;
        Ok(known.keys.get(id).cloned())
    }

    /// A key that need not be fetched again.
    fn fresh(&self, id: &str, now: Timestamp) -> Option<Vec<u8>> {
        let known = self.known().filter(|known| is_within(FRESH, known.since, now))?;
        known.keys.get(id).cloned()
    }

    fn known(&self) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for ScannerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScannerKeys").field("source", &self.source).finish_non_exhaustive()
    }
}

#[async_trait]
impl ScannerSignatures for ScannerKeys {
    async fn check(&self, body: &[u8], signature: ScannerSignature<'_>, now: Timestamp) -> Result<()> {
        let key = self.find(signature.key, now).await?;
        let key = key.ok_or_else(|| {
            let shown: String = signature.key.chars().filter(char::is_ascii_graphic).take(64).collect();
            Error::forbidden(format!("This registry knows no secret scanner with the key `{shown}`"))
        })?;
        let signed = BASE64.decode(signature.signature.trim().as_bytes()).is_ok_and(|signature| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(body, &signature).is_ok()
        });
        if signed {
            return Ok(());
        }
        tracing::warn!(event = "token_report_refused", "a report of leaked tokens has a wrong signature");
        Err(Error::forbidden("The signature of this report does not fit its body; sign the bytes that are sent"))
    }
}

/// Whether less than `time` lies between the two instants. A clock that was set back ends it, too.
fn is_within(time: SignedDuration, since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since).abs() < time
}

fn parse(list: &[u8]) -> std::result::Result<BTreeMap<String, Vec<u8>>, String> {
    let list: List = serde_json::from_slice(list).map_err(|error| format!("it is not the list expected: {error}"))?;
    let keys = list.public_keys.into_iter().take(MAX_KEYS);
    let keys: BTreeMap<_, _> = keys.filter_map(|listed| Some((listed.key_identifier, der(&listed.key)?))).collect();
    if keys.is_empty() { Err("it has no public key in PEM form".to_owned()) } else { Ok(keys) }
}

/// The bytes of a public key in PEM form (RFC 7468).
fn der(pem: &str) -> Option<Vec<u8>> {
    let inner = pem.split_once("-----BEGIN PUBLIC KEY-----")?.1.split_once("-----END PUBLIC KEY-----")?.0;
    let text: String = inner.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    BASE64.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use aam_registry_core::ErrorCode;
    use aws_lc_rs::{
        encoding::{AsDer, PublicKeyX509Der},
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
            KeyPair,
        },
    };
    use serde_json::{Value, json};

    use super::*;

    const BODY: &[u8] = br#"[{"token": "aam_x", "type": "aam_token", "url": "https://example.com/x"}]"#;
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn pair(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
        EcdsaKeyPair::generate(algorithm).expect("a key")
    }

    fn pem(pair: &EcdsaKeyPair) -> String {
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("encoded");
        let text = BASE64.encode(der.as_ref());
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    fn sign(pair: &EcdsaKeyPair, body: &[u8]) -> String {
        BASE64.encode(pair.sign(&SystemRandom::new(), body).expect("signed").as_ref())
    }

    fn list(keys: &[(&str, &EcdsaKeyPair)]) -> Value {
        let keys = keys.iter().map(|(id, pair)| json!({"key_identifier": id, "key": pem(pair), "is_current": true}));
        json!({"public_keys": keys.collect::<Vec<_>>()})
    }

    async fn code(keys: &ScannerKeys, body: &[u8], key: &str, signature: &str, now: Timestamp) -> Option<ErrorCode> {
        keys.check(body, ScannerSignature { key, signature }, now).await.err().map(|error| error.code())
    }

    #[tokio::test]
    async fn a_report_counts_where_a_listed_key_signed_its_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        let (first, second) = (pair(&ECDSA_P256_SHA256_ASN1_SIGNING), pair(&ECDSA_P256_SHA256_ASN1_SIGNING));
        let other_curve = pair(&ECDSA_P384_SHA384_ASN1_SIGNING);
        std::fs::write(&file, list(&[("one", &first), ("p384", &other_curve)]).to_string()).expect("written");
        let keys = ScannerKeys::new(KeySource::File(file.clone()));
        let check = async |body: &[u8], key: &str, signature: &str| code(&keys, body, key, signature, NOW).await;
        let good = sign(&first, BODY);
        assert_eq!(check(BODY, "one", &good).await, None);
        let refused = Some(ErrorCode::Forbidden);
        assert_eq!(check(b"[]", "one", &good).await, refused, "another body");
        assert_eq!(check(BODY, "one", &sign(&second, BODY)).await, refused, "another key");
        assert_eq!(check(BODY, "p384", &sign(&other_curve, BODY)).await, refused, "another curve");
        for wrong in ["", "AAAA", "not base64", &good[4..]] {
            assert_eq!(check(BODY, "one", wrong).await, refused, "{wrong}");
        }
        assert_eq!(check(BODY, "two", &good).await, refused, "an unknown key");

        // A key that is new on the list is found, but the list is not read at every report.
        std::fs::write(&file, list(&[("two", &second)]).to_string()).expect("written");
        let by_second = sign(&second, BODY);
        assert_eq!(check(BODY, "two", &by_second).await, refused, "the list was read a moment ago");
        let later = NOW + SignedDuration::from_mins(2);
        assert_eq!(code(&keys, BODY, "two", &by_second, later).await, None);
        assert_eq!(code(&keys, BODY, "one", &good, later).await, refused, "it was taken from the list");
    }

    #[tokio::test]
    async fn keys_serve_for_a_day_while_they_cannot_be_had() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        let keys = ScannerKeys::new(KeySource::File(file.clone()));
        let first = pair(&ECDSA_P256_SHA256_ASN1_SIGNING);
        let good = sign(&first, BODY);
        let check =
            async |minutes: i64| code(&keys, BODY, "one", &good, NOW + SignedDuration::from_mins(minutes)).await;
        let unavailable = Some(ErrorCode::Overloaded);
        assert_eq!(check(0).await, unavailable, "there is no file");
        for wrong in ["{}", "[]", r#"{"public_keys": [{"key_identifier": "one", "key": "no PEM"}]}"#] {
            std::fs::write(&file, wrong).expect("written");
            assert_eq!(check(1).await, unavailable, "{wrong}");
        }
        std::fs::write(&file, list(&[("one", &first)]).to_string()).expect("written");
        assert_eq!(check(2).await, None);
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(check(12 * 60).await, None);
        assert_eq!(check(27 * 60).await, unavailable);
    }
}
