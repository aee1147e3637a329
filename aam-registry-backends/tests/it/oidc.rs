//! ID tokens of an issuer that the test runs, over real HTTP.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use aam_registry_backends::{
    oidc::{DocumentSource, HttpDocuments, OidcIdTokens},
    outgoing::Outgoing,
};
use aam_registry_core::{
    Error, memory,
    ports::IdTokenVerifier,
    registry::{ExchangedToken, NewAccount, PublisherRequest, Registry},
    types::{AccountRoles, Issuer, Principal},
};
use aam_registry_tests::{Issuer as TestIssuer, IssuerKey as Key};
use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

const AUDIENCE: &str = "https://registry.example.com";

/// A registry that trusts these issuers, with a publisher of `kit` for the first one's tokens.
async fn registry(issuers: &[&TestIssuer]) -> Registry {
    let trusted = issuers.iter().map(|issuer| Issuer::parse(issuer.address()).expect("an issuer"));
    let documents = HttpDocuments::new(&Outgoing::default()).expect("clients");
    let verifier = OidcIdTokens::new(trusted, AUDIENCE, documents);
    let registry = memory::registry().id_tokens(verifier).build().expect("complete");
    add(&registry, &user(&registry, "ada").await, "kit", issuers[0]).await;
    registry
}

async fn user(registry: &Registry, username: &str) -> Principal {
    let (username, email) = (username.to_owned(), format!("{username}@example.com"));
    let account = NewAccount { username, email, password: None, roles: AccountRoles::NONE };
    Principal::of_host(&registry.create_user(account, "test").await.expect("a user"))
}

/// Adds a publisher for the tokens of [`claims`].
async fn add(registry: &Registry, by: &Principal, package: &str, issuer: &TestIssuer) {
    let claims = [
        ("repository", "acme/kit"),
        ("job_workflow_ref", "acme/kit/.github/workflows/publish.yml"),
        ("environment", "release"),
    ];
    let claims: BTreeMap<_, _> = claims.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let request = PublisherRequest { issuer: issuer.address().to_owned(), preset: Some("github".to_owned()), claims };
    let package = package.parse().expect("a name");
    registry.add_publisher(by, &package, &request).await.expect("added");
}

/// The claims of a job, with changes.
fn claims(issuer: &TestIssuer, jti: &str, change: &Value) -> Value {
    let mut claims = issuer.claims(AUDIENCE);
    let of_job = json!({
        "sub": "repo:acme/kit:environment:release", "jti": jti, "repository": "acme/kit", "repository_id": "1",
        "repository_owner_id": "7", "environment": "release", "ref": "refs/heads/main",
        "job_workflow_ref": "acme/kit/.github/workflows/publish.yml@refs/heads/main",
    });
    for (name, value) in [&of_job, change].into_iter().flat_map(|claims| claims.as_object().expect("an object")) {
        claims[name] = value.clone();
    }
    claims
}

async fn swap(registry: &Registry, token: &str) -> Result<ExchangedToken, Error> {
    registry.exchange_id_token(token, Some("kit".parse().expect("a name"))).await
}

#[tokio::test]
async fn each_algorithm_is_taken_with_a_key_of_its_type() {
    let issuer = TestIssuer::start().await;
    let keys = [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA].map(|of| Key::new(&format!("{of:?}"), of));
    issuer.publish(&keys.each_ref());
    let registry = registry(&[&issuer]).await;
    for key in &keys {
        let token = key.sign(&claims(&issuer, key.id(), &json!({})));
        let swapped = swap(&registry, &token).await.unwrap_or_else(|error| panic!("{}: {error}", key.id()));
        assert_eq!(swapped.publisher.package.as_str(), "kit");
        assert!(registry.authenticate(swapped.secret.expose()).await.is_ok());
    }
    assert_eq!(issuer.asked(), 1, "keys are kept");
}

/// Whatever is wrong with a token is refused, and the documentation says with which answer.
#[tokio::test]
async fn whatever_is_wrong_is_refused_as_the_documentation_says() {
    let (issuer, broken) = (TestIssuer::start().await, TestIssuer::start().await);
    let (ours, rsa) = (Key::new("ec", Algorithm::ES256), Key::new("rsa", Algorithm::RS256));
    let (forged, gone) = (Key::new("ec", Algorithm::ES256), Key::new("gone", Algorithm::EdDSA));
    issuer.publish(&[&ours, &rsa]);
    let registry = registry(&[&issuer, &broken]).await;
    let [bob, eve] = [user(&registry, "bob").await, user(&registry, "eve").await];
    add(&registry, &bob, "tool", &issuer).await;
    add(&registry, &eve, "tool", &issuer).await;
    add(&registry, &bob, "gear", &issuer).await;
    let now = Timestamp::now().as_second();
    let signed = |jti: &str, change: Value| ours.sign(&claims(&issuer, jti, &change));
    let used = signed("used", json!({}));
    swap(&registry, &used).await.expect("the first time");
    let good = claims(&issuer, "confused", &json!({}));
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let unsigned = format!("{}.{}.", part(&json!({"alg": "none", "kid": "ec"})), part(&good));
    // The classic confusion of keys: an HMAC whose secret is the public key.
    let hmac = |key: &Key| {
        let header = Header { kid: Some(key.id().to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &good, &EncodingKey::from_secret(key.public())).expect("signed")
    };
    let critical = json!({"alg": "ES256", "kid": "ec", "crit": ["exp"]});
    let critical = format!("{}.{}.AAAA", part(&critical), part(&good));
    let workflow = "acme/kit/.github/workflows/test.yml@refs/heads/main";
    let [kit, gear, tool] = ["kit", "gear", "tool"].map(Some);
    let mut table = String::new();
    for (what, package, token) in [
        ("no JSON Web Token", kit, "abc".to_owned()),
        ("longer than 16 KiB", kit, "a".repeat(20_000)),
        ("another issuer", kit, signed("1", json!({"iss": "https://evil.example"}))),
        ("`alg` is `none`", kit, unsigned),
        ("HS256 with the public EC key as the secret", kit, hmac(&ours)),
        ("HS256 with the public RSA key as the secret", kit, hmac(&rsa)),
        ("ES256 with the id of an RSA key", kit, ours.sign_as("rsa", &good)),
        ("a key that the issuer does not publish", kit, gone.sign(&good)),
        ("another key under the same id", kit, forged.sign(&good)),
        ("unknown extensions (`crit`)", kit, critical),
        ("another audience", kit, signed("2", json!({"aud": "sts.example.com"}))),
        ("several audiences", kit, signed("3", json!({"aud": [AUDIENCE, "sts.example.com"]}))),
        ("expired more than a minute ago", kit, signed("4", json!({"exp": now - 61}))),
        ("valid only in more than a minute", kit, signed("5", json!({"nbf": now + 120}))),
        ("no subject", kit, signed("6", json!({"sub": ""}))),
        ("used before", kit, used),
        ("another repository", kit, signed("7", json!({"repository": "eve/kit"}))),
        ("another workflow", kit, signed("8", json!({"job_workflow_ref": workflow}))),
        ("another environment", kit, signed("9", json!({"environment": "staging"}))),
        ("another repository of the same name", kit, signed("10", json!({"repository_id": "2"}))),
        ("another owner of the same name", kit, signed("11", json!({"repository_owner_id": "8"}))),
        ("no id of the repository", gear, signed("12", json!({"repository_id": null}))),
        ("several packages trust it, and the request names none", None, signed("13", json!({}))),
        ("several users added it for a name that is free", tool, signed("14", json!({}))),
        ("the keys of the issuer cannot be fetched", kit, ours.sign(&claims(&broken, "15", &json!({})))),
    ] {
        let package = package.map(|name| name.parse().expect("a name"));
        let refused = registry.exchange_id_token(&token, package).await.expect_err(what);
        let (status, code) = (refused.code().status(), refused.code().as_str());
        writeln!(table, "| {what} | {status} | `{code}` | {refused} |").expect("a string");
    }
    let table = table.replace(broken.address(), "https://gitlab.example.com");
    assert!(include_str!("../../../docs/trusted-publishing.md").contains(&table), "\n{table}");
    swap(&registry, &signed("16", json!({}))).await.expect("a good one is still taken");
}

/// What an issuer publishes, at whatever time the test says it is.
#[derive(Clone, Debug, Default)]
struct Shelf {
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

#[async_trait]
impl DocumentSource for Shelf {
    async fn get(&self, issuer: &Issuer, url: &str) -> Result<Vec<u8>, String> {
        if url.ends_with("/keys") {
            return Ok(json!({"keys": *self.keys.lock().expect("lock")}).to_string().into_bytes());
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err("it is down".to_owned());
        }
        Ok(json!({"issuer": issuer.as_str(), "jwks_uri": format!("{issuer}/keys")}).to_string().into_bytes())
    }
}

/// A verifier in front of a shelf, and the time.
struct Watch {
    shelf: Shelf,
    verifier: OidcIdTokens,
    now: Timestamp,
}

impl Watch {
    fn new() -> Self {
        let shelf = Shelf::default();
        let issuer = Issuer::parse("https://ci.example.com").expect("an issuer");
        let verifier = OidcIdTokens::new([issuer], AUDIENCE, shelf.clone());
        Self { shelf, verifier, now: Timestamp::from_second(1_800_000_000).expect("an instant") }
    }

    fn publish(&self, keys: &[&Key]) {
        *self.shelf.keys.lock().expect("lock") = keys.iter().map(|key| key.jwk().clone()).collect();
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// The status of the refusal of a token that `key` signed just now; 200 where it is taken.
    async fn status(&self, key: &Key) -> u16 {
        let now = self.now.as_second();
        let claims = json!({"iss": "https://ci.example.com", "aud": AUDIENCE, "sub": "x", "exp": now + 60});
        let verified = self.verifier.verify(&key.sign(&claims), self.now).await;
        verified.map_or_else(|error| error.code().status(), |_| 200)
    }

    fn asked(&self) -> usize {
        self.shelf.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn unknown_keys_make_the_registry_ask_once_a_minute() {
    let mut watch = Watch::new();
    let (old, new) = (Key::new("old", Algorithm::ES256), Key::new("new", Algorithm::EdDSA));
    watch.publish(&[&old]);
    assert_eq!(watch.status(&old).await, 200);
    watch.publish(&[&new]);
    for _ in 0..50 {
        watch.wait(1);
        assert_eq!(watch.status(&new).await, 401);
    }
    assert_eq!(watch.asked(), 1, "it was asked less than a minute ago");
    assert_eq!(watch.status(&old).await, 200, "a key that was taken back is known until the keys are fetched again");
    watch.wait(10);
    assert_eq!(watch.status(&new).await, 200, "the keys were changed");
    assert_eq!(watch.status(&old).await, 401);
    assert_eq!(watch.asked(), 2);
    watch.wait(-3600);
    assert_eq!((watch.status(&old).await, watch.asked()), (401, 3), "a clock that is set back is no reason to wait");
}

#[tokio::test]
async fn keys_are_fetched_every_hour_and_used_for_a_day() {
    let mut watch = Watch::new();
    let key = Key::new("ec", Algorithm::ES256);
    watch.publish(&[&key]);
    watch.shelf.is_down.store(true, Ordering::SeqCst);
    for (seconds, asked) in [(0, 1), (4, 1), (1, 2)] {
        watch.wait(seconds);
        assert_eq!((watch.status(&key).await, watch.asked()), (503, asked), "without keys it asks every five seconds");
    }
    watch.shelf.is_down.store(false, Ordering::SeqCst);
    watch.wait(5);
    assert_eq!((watch.status(&key).await, watch.asked()), (200, 3));
    watch.wait(3599);
    assert_eq!((watch.status(&key).await, watch.asked()), (200, 3));
    watch.shelf.is_down.store(true, Ordering::SeqCst);
    for (seconds, asked) in [(1, 4), (59, 4), (1, 5)] {
        watch.wait(seconds);
        assert_eq!((watch.status(&key).await, watch.asked()), (200, asked), "an outage is bridged");
    }
    watch.wait(23 * 3600);
    assert_eq!(watch.status(&key).await, 503, "for a day");
}

#[tokio::test]
async fn an_issuer_that_cannot_be_believed_is_not() {
    let issuer = TestIssuer::start().await;
    let key = Key::new("ec", Algorithm::ES256);
    issuer.publish(&[&key]);
    issuer.pose_as("https://other.example");
    let registry = registry(&[&issuer]).await;
    let refused = swap(&registry, &key.sign(&claims(&issuer, "1", &json!({})))).await.expect_err("refused");
    assert_eq!(refused.code().status(), 503, "{refused}");
    assert_eq!(issuer.asked(), 0, "its keys are not asked for");
}

/// The issuer's own host may be on a private network, since the operator named it; a host that the issuer names may not.
#[tokio::test]
async fn keys_on_a_private_network_are_taken_from_the_issuers_own_host_only() {
    let (issuer, inside) = (TestIssuer::start().await, TestIssuer::start().await);
    let key = Key::new("ec", Algorithm::ES256);
    inside.publish(&[&key]);
    issuer.refer_to(&inside);
    let registry = registry(&[&issuer]).await;
    let refused = swap(&registry, &key.sign(&claims(&issuer, "1", &json!({})))).await.expect_err("refused");
    assert_eq!(refused.code().status(), 503, "{refused}");
    assert_eq!(inside.asked(), 0, "it was not called");
}
