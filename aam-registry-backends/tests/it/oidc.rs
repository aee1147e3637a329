//! ID tokens of an issuer that the test runs, over real HTTP.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    future::{Ready, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aam_registry_backends::{
    oidc::{HttpDocuments, OidcIdTokens},
    outgoing::{AllowedNetworks, Outgoing},
};
use aam_registry_core::{
    Error, memory,
    registry::{ExchangedToken, NewAccount, PublisherRequest, Registry},
    types::{Issuer, Principal},
};
use axum::{Json, Router, extract::State, routing::get};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const AUDIENCE: &str = "https://registry.example.com";

/// A key of the issuer.
struct Key {
    id: String,
    algorithm: Algorithm,
    signs: EncodingKey,
    /// As it is published.
    jwk: Value,
    /// The bytes of the public key.
    public: Vec<u8>,
}

impl Key {
    fn new(id: &str, algorithm: Algorithm) -> Self {
        let of: &'static SignatureAlgorithm = match algorithm {
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            Algorithm::EdDSA => &PKCS_ED25519,
            _ => &PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(of).expect("a key");
        let (pem, public) = (pair.serialize_pem(), pair.der_bytes().to_vec());
        let b64 = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let (signs, jwk) = match algorithm {
            Algorithm::ES256 => {
                let jwk = json!({"kty": "EC", "crv": "P-256", "x": b64(&public[1..33]), "y": b64(&public[33..65])});
                (EncodingKey::from_ec_pem(pem.as_bytes()), jwk)
            }
            Algorithm::EdDSA => {
                (EncodingKey::from_ed_pem(pem.as_bytes()), json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&public)}))
            }
            _ => {
                // The modulus stands behind the heads of the sequence and of the integer, with a zero before it.
                let modulus = &public[9..265];
                (EncodingKey::from_rsa_pem(pem.as_bytes()), json!({"kty": "RSA", "n": b64(modulus), "e": "AQAB"}))
            }
        };
        let mut jwk = jwk;
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        Self { id: id.to_owned(), algorithm, signs: signs.expect("a key"), jwk, public }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.signs).expect("signed")
    }
}

/// An issuer that counts how often it is asked for its keys.
#[derive(Clone, Default)]
struct Published {
    address: Arc<Mutex<String>>,
    claimed: Arc<Mutex<Option<String>>>,
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Published {
    async fn start() -> Self {
        let issuer = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        *issuer.address.lock().expect("lock") = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn address(&self) -> String {
        self.address.lock().expect("lock").clone()
    }

    fn publish(&self, keys: &[&Key]) {
        *self.keys.lock().expect("lock") = keys.iter().map(|key| key.jwk.clone()).collect();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn discovery(State(issuer): State<Published>) -> Ready<Json<Value>> {
    let address = issuer.address();
    let claimed = issuer.claimed.lock().expect("lock").clone().unwrap_or_else(|| address.clone());
    ready(Json(json!({"issuer": claimed, "jwks_uri": format!("{address}/keys")})))
}

fn keys(State(issuer): State<Published>) -> Ready<Json<Value>> {
    issuer.asked.fetch_add(1, Ordering::SeqCst);
    let keys = issuer.keys.lock().expect("lock").clone();
    ready(Json(json!({"keys": keys})))
}

fn documents() -> HttpDocuments {
    let client = Outgoing::default().client(AllowedNetworks::all(), HttpDocuments::TIMEOUT);
    HttpDocuments::new(client.expect("a client"))
}

/// A registry that trusts the issuer, with a publisher of `kit`.
async fn registry(issuer: &Published) -> Registry {
    let trusted = Issuer::parse(&issuer.address()).expect("an issuer");
    let documents = documents();
    let verifier = OidcIdTokens::new([trusted], AUDIENCE, documents);
    let registry = memory::registry().id_tokens(verifier).build().expect("complete");
    let (username, email) = ("ada".to_owned(), "ada@example.com".to_owned());
    let account = NewAccount { username, email, password: None, is_admin: false };
    let ada = registry.create_user(account, "test").await.expect("a user");
    let claims = [
        ("repository", "acme/kit"),
        ("job_workflow_ref", "acme/kit/.github/workflows/publish.yml"),
        ("environment", "release"),
    ];
    let claims: BTreeMap<_, _> = claims.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let request = PublisherRequest { issuer: issuer.address(), preset: Some("github".to_owned()), claims };
    let kit = "kit".parse().expect("a name");
    registry.add_publisher(&Principal::of_host(&ada), &kit, &request).await.expect("added");
    registry
}

/// The claims of a job, with changes.
fn claims(issuer: &Published, jti: &str, change: &Value) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "iss": issuer.address(), "aud": AUDIENCE, "sub": "repo:acme/kit:environment:release", "jti": jti,
        "iat": now, "nbf": now, "exp": now + 300, "repository": "acme/kit", "repository_id": "1",
        "repository_owner_id": "7", "environment": "release", "ref": "refs/heads/main",
        "job_workflow_ref": "acme/kit/.github/workflows/publish.yml@refs/heads/main",
    });
    for (name, value) in change.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

async fn swap(registry: &Registry, token: &str) -> Result<ExchangedToken, Error> {
    registry.exchange_id_token(token, None).await
}

#[tokio::test]
async fn each_algorithm_is_taken_with_a_key_of_its_type() {
    let issuer = Published::start().await;
    let keys = [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA].map(|of| Key::new(&format!("{of:?}"), of));
    issuer.publish(&keys.each_ref());
    let registry = registry(&issuer).await;
    for key in &keys {
        let token = key.sign(&claims(&issuer, &key.id, &json!({})));
        let swapped = swap(&registry, &token).await.unwrap_or_else(|error| panic!("{}: {error}", key.id));
        assert_eq!(swapped.publisher.package.as_str(), "kit");
        assert!(registry.authenticate(swapped.secret.expose()).await.is_ok());
    }
    assert_eq!(issuer.asked(), 1, "keys are kept");
}

/// What is wrong with a token, and the answer to it.
#[tokio::test]
async fn whatever_is_wrong_is_refused() {
    let issuer = Published::start().await;
    let (ours, rsa) = (Key::new("ec", Algorithm::ES256), Key::new("rsa", Algorithm::RS256));
    let (forged, ed) = (Key::new("ec", Algorithm::ES256), Key::new("ed", Algorithm::EdDSA));
    issuer.publish(&[&ours, &rsa, &ed]);
    let registry = registry(&issuer).await;
    let now = Timestamp::now().as_second();
    let signed = |jti: &str, change: Value| ours.sign(&claims(&issuer, jti, &change));
    let used = signed("used", json!({}));
    swap(&registry, &used).await.expect("the first time");
    let good = claims(&issuer, "confused", &json!({}));
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let unsigned = format!("{}.{}.", part(&json!({"alg": "none", "kid": "ec"})), part(&good));
    // The classic confusion of keys: an HMAC whose secret is the public key.
    let hmac = |key: &Key| {
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
        encode(&header, &good, &EncodingKey::from_secret(&key.public)).expect("signed")
    };
    let mislabelled = Header { kid: Some("rsa".into()), ..Header::new(Algorithm::ES256) };
    let mislabelled = encode(&mislabelled, &good, &ours.signs).expect("signed");
    let critical = json!({"alg": "ES256", "kid": "ec", "crit": ["exp"]});
    let critical = format!("{}.{}.AAAA", part(&critical), part(&good));
    let workflow = "acme/kit/.github/workflows/test.yml@refs/heads/main";
    let mut table = String::new();
    for (what, token) in [
        ("not a token", "abc".to_owned()),
        ("larger than 16 KiB", "a".repeat(20_000)),
        ("another issuer", signed("1", json!({"iss": "https://evil.example"}))),
        ("alg none", unsigned),
        ("HS256 with the public EC key", hmac(&ours)),
        ("HS256 with the public RSA key", hmac(&rsa)),
        ("ES256 with the id of the RSA key", mislabelled),
        ("signed by a key of the same id", forged.sign(&good)),
        ("unknown extensions", critical),
        ("another audience", signed("2", json!({"aud": "sts.amazonaws.com"}))),
        ("several audiences", signed("3", json!({"aud": [AUDIENCE, "sts.amazonaws.com"]}))),
        ("expired", signed("4", json!({"exp": now - 61}))),
        ("not valid yet", signed("5", json!({"nbf": now + 120}))),
        ("without a subject", signed("6", json!({"sub": ""}))),
        ("used before", used),
        ("another repository", signed("7", json!({"repository": "eve/kit"}))),
        ("another repository of the name", signed("8", json!({"repository_id": "2"}))),
        ("another owner of the name", signed("9", json!({"repository_owner_id": "8"}))),
        ("another workflow", signed("10", json!({"job_workflow_ref": workflow}))),
        ("another environment", signed("11", json!({"environment": "staging"}))),
    ] {
        let refused = swap(&registry, &token).await.expect_err(what);
        let (status, code) = (refused.code().status(), refused.code().as_str());
        writeln!(table, "{what:<32} | {status} | {code:<12} | {refused}").expect("a string");
    }
    insta::assert_snapshot!(table.replace(&issuer.address(), "http://issuer"));
    swap(&registry, &signed("12", json!({}))).await.expect("a good one is still taken");
}

#[tokio::test]
async fn unknown_keys_make_the_registry_ask_once() {
    let issuer = Published::start().await;
    let (known, unknown) = (Key::new("known", Algorithm::ES256), Key::new("unknown", Algorithm::ES256));
    issuer.publish(&[&known]);
    let registry = registry(&issuer).await;
    swap(&registry, &known.sign(&claims(&issuer, "1", &json!({})))).await.expect("swapped");
    for at in 0..50 {
        let key = Key { id: format!("unknown-{at}"), ..Key::new("unknown", Algorithm::ES256) };
        let refused = swap(&registry, &key.sign(&claims(&issuer, "2", &json!({})))).await.expect_err("unknown");
        assert_eq!(refused.code().status(), 401, "{refused}");
    }
    assert_eq!(issuer.asked(), 1, "it was asked less than a minute ago");
    // A key that the issuer has taken back is known until the keys are fetched again, as is usual.
    issuer.publish(&[&unknown]);
    swap(&registry, &known.sign(&claims(&issuer, "3", &json!({})))).await.expect("swapped");
}

#[tokio::test]
async fn an_issuer_that_cannot_be_believed_is_not() {
    let issuer = Published::start().await;
    let key = Key::new("ec", Algorithm::ES256);
    issuer.publish(&[&key]);
    *issuer.claimed.lock().expect("lock") = Some("https://other.example".to_owned());
    let registry = registry(&issuer).await;
    let refused = swap(&registry, &key.sign(&claims(&issuer, "1", &json!({})))).await.expect_err("refused");
    assert_eq!(refused.code().status(), 503, "{refused}");
    assert_eq!(issuer.asked(), 0, "its keys are not asked for");
}
