use aam_registry_backends::jwt::{JwtConfig, JwtSessions};
use aam_registry_core::{
    ports::{Session, SessionSigner},
    session_signer_conformance,
    types::UserId,
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, decode_header, encode};
use serde_json::{Value, json};

const OLD: &[u8] = b"the secret of last year, 32 bytes";
const NEW: &[u8] = b"the secret of this year, 32 bytes";

session_signer_conformance!(async { (JwtSessions::new(&JwtConfig::new(NEW)).expect("a signer"), ()) });

fn session() -> Session {
    let issued_at = Timestamp::from_second(1_790_000_000).expect("a timestamp");
    let expires_at = issued_at + SignedDuration::from_hours(24);
    Session { id: "an-id".to_owned(), user: UserId::generate(), generation: 0, issued_at, expires_at }
}

fn claims(session: &Session) -> Value {
    json!({
        "iss": "aam-registry",
        "aud": "aam-registry-session",
        "sub": session.user.to_string(),
        "jti": session.id,
        "iat": session.issued_at.as_second(),
        "exp": session.expires_at.as_second(),
    })
}

fn forge(algorithm: Algorithm, claims: &Value, key: &[u8]) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).expect("encode")
}

#[tokio::test]
async fn sessions_live_on_after_a_rotation() {
    let session = session();
    let before = JwtSessions::new(&JwtConfig::new(OLD)).expect("a signer");
    let after = JwtSessions::new(&JwtConfig::new(NEW).with_retired(OLD)).expect("a signer");
    let old = before.sign(&session).expect("sign");
    let new = after.sign(&session).expect("sign");
    assert_eq!(after.verify(&old, session.issued_at).as_ref(), Some(&session));
    assert_eq!(after.verify(&new, session.issued_at).as_ref(), Some(&session));
    assert_eq!(before.verify(&new, session.issued_at), None, "the first secret signs");
    let later = JwtSessions::new(&JwtConfig::new(NEW)).expect("a signer");
    assert_eq!(later.verify(&old, session.issued_at), None, "a secret that is gone verifies nothing");
}

#[tokio::test]
async fn only_hs256_with_every_claim_passes() {
    let session = session();
    let signer = JwtSessions::new(&JwtConfig::new(NEW)).expect("a signer");
    let verify = |token: &str| signer.verify(token, session.issued_at);
    assert_eq!(verify(&forge(Algorithm::HS256, &claims(&session), NEW)).as_ref(), Some(&session));
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        assert_eq!(verify(&forge(algorithm, &claims(&session), NEW)), None, "{algorithm:?} passed");
    }
    for claim in ["iss", "aud", "sub", "jti", "iat", "exp"] {
        let mut without = claims(&session);
        without.as_object_mut().expect("an object").remove(claim);
        assert_eq!(verify(&forge(Algorithm::HS256, &without, NEW)), None, "passed without {claim}");
    }
    for (claim, value) in [("iss", "somebody"), ("aud", "aam-registry"), ("sub", "not-an-id")] {
        let mut other = claims(&session);
        other[claim] = value.into();
        assert_eq!(verify(&forge(Algorithm::HS256, &other, NEW)), None, "passed with {claim} {value}");
    }
}

#[test]
fn a_token_is_verified_with_the_key_that_it_names() {
    let session = session();
    let signer = JwtSessions::new(&JwtConfig::new(NEW).with_retired(OLD)).expect("a signer");
    let key_of = |token: &str| decode_header(token).expect("a header").kid.expect("a key id");
    let (new, old) = (signer.sign(&session).expect("sign"), JwtSessions::new(&JwtConfig::new(OLD)).expect("a signer"));
    let (new_key, old_key) = (key_of(&new), key_of(&old.sign(&session).expect("sign")));
    assert_ne!(new_key, old_key);
    assert_eq!(new_key.len(), 16);
    let forge = |kid: &str, secret: &[u8]| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(&session), &EncodingKey::from_secret(secret)).expect("encode")
    };
    for (kid, secret, passes) in [
        (&*new_key, NEW, true),
        (&*old_key, OLD, true),
        (&*new_key, OLD, false),
        (&*old_key, NEW, false),
        ("x", NEW, false),
    ] {
        assert_eq!(signer.verify(&forge(kid, secret), session.issued_at).is_some(), passes, "{kid}");
    }
    // A token of a release that named no key.
    let plain = encode(&Header::new(Algorithm::HS256), &claims(&session), &EncodingKey::from_secret(OLD));
    assert!(signer.verify(&plain.expect("encode"), session.issued_at).is_some());
}

#[test]
fn short_secrets_are_refused() {
    let short = &NEW[..JwtConfig::MIN_SECRET_LEN - 1];
    assert!(JwtSessions::new(&JwtConfig::new(short)).is_err());
    assert!(JwtSessions::new(&JwtConfig::new(NEW).with_retired(short)).is_err());
    assert!(JwtSessions::new(&JwtConfig::new("")).is_err());
}

#[test]
fn secrets_do_not_show() {
    let config = JwtConfig::new(NEW).with_retired(OLD);
    let shown = format!("{config:?} {:?}", JwtSessions::new(&config));
    assert!(!shown.contains("secret of"), "{shown}");
}
