//! An OpenID Connect issuer whose keys and tokens the test chooses.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use data_encoding::BASE64URL_NOPAD;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// How many bytes of an RSA key of 2,048 bits in PKCS #8 come before the key in PKCS #1.
const PKCS8_HEAD: usize = 26;
/// Where the modulus is in the public key: behind the heads of the sequence and of the integer, and a zero.
const MODULUS: std::ops::Range<usize> = 9..265;
/// What a job of GitHub Actions shows to get an ID token.
const JOB_TOKEN: &str = "token-of-the-job";

/// A key with which an issuer signs.
#[derive(Clone, Debug)]
pub struct IssuerKey {
    id: String,
    algorithm: Algorithm,
    signs: EncodingKey,
    jwk: Value,
    public: Vec<u8>,
}

impl IssuerKey {
    /// A new key of that id for `ES256`, `RS256` or `EdDSA`.
    pub fn new(id: &str, algorithm: Algorithm) -> Self {
        let of: &'static SignatureAlgorithm = match algorithm {
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            Algorithm::EdDSA => &PKCS_ED25519,
            _ => &PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(of).expect("a key");
        let (private, public) = (pair.serialize_der(), pair.der_bytes().to_vec());
        let b64 = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let (signs, mut jwk) = match algorithm {
            Algorithm::ES256 => {
                let jwk = json!({"kty": "EC", "crv": "P-256", "x": b64(&public[1..33]), "y": b64(&public[33..65])});
                (EncodingKey::from_ec_der(&private), jwk)
            }
            Algorithm::EdDSA => {
                (EncodingKey::from_ed_der(&private), json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&public)}))
            }
            _ => {
                let jwk = json!({"kty": "RSA", "n": b64(&public[MODULUS]), "e": "AQAB"});
                (EncodingKey::from_rsa_der(&private[PKCS8_HEAD..]), jwk)
            }
        };
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        Self { id: id.to_owned(), algorithm, signs, jwk, public }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As an issuer publishes it (RFC 7517).
    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// The bytes of the public key.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(self.id(), claims)
    }

    /// A token that says it is signed by the key `id`.
    pub fn sign_as(&self, id: &str, claims: &Value) -> String {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.signs).expect("signed")
    }
}

/// An issuer in this process, which also issues tokens to jobs as GitHub Actions does.
#[derive(Debug)]
pub struct Issuer {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    address: String,
    published: Mutex<Published>,
    /// How often it was asked for its keys.
    asked: AtomicUsize,
    /// How many tokens it has issued to jobs.
    issued: AtomicUsize,
}

#[derive(Debug)]
struct Published {
    issuer: String,
    keys_at: String,
    keys: Vec<Value>,
    job: Option<(IssuerKey, Value)>,
}

impl Issuer {
    /// Starts one without keys.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let published = Published { issuer: address.clone(), keys_at: address.clone(), keys: Vec::new(), job: None };
        let published = Mutex::new(published);
        let shared = Shared { address, published, asked: AtomicUsize::new(0), issued: AtomicUsize::new(0) };
        let shared = Arc::new(shared);
        Self { task: tokio::spawn(serve(listener, Arc::clone(&shared))), shared }
    }

    /// Its address, which its tokens name as `iss`.
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// Publishes these keys and no others.
    pub fn publish(&self, keys: &[&IssuerKey]) {
        self.shared.published().keys = keys.iter().map(|key| key.jwk.clone()).collect();
    }

    /// Says that it is the issuer `other`.
    pub fn pose_as(&self, other: &str) {
        other.clone_into(&mut self.shared.published().issuer);
    }

    /// Says that its keys are at the issuer `other`.
    pub fn refer_to(&self, other: &Self) {
        other.address().clone_into(&mut self.shared.published().keys_at);
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// The variables of a job whose ID tokens are signed by `key` and have these claims beside those that every
    /// ID token has.
    pub fn job(&self, key: &IssuerKey, claims: Value) -> [(&'static str, String); 2] {
        self.shared.published().job = Some((key.clone(), claims));
        let url = format!("{}/job?api-version=2.0", self.address());
        [("ACTIONS_ID_TOKEN_REQUEST_URL", url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", JOB_TOKEN.to_owned())]
    }

    /// The claims of an ID token for `audience` that is valid for five minutes from now; it counts `jti` up.
    pub fn claims(&self, audience: &str) -> Value {
        self.shared.claims(audience)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claims(&self, audience: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let jti = format!("job-{}", self.issued.fetch_add(1, Ordering::SeqCst));
        json!({"iss": self.address, "aud": audience, "jti": jti, "iat": now, "nbf": now, "exp": now + 300})
    }

    /// What it answers at `path`; `None` where there is nothing.
    fn answer(&self, request: &Request<Incoming>) -> Option<Value> {
        match request.uri().path() {
            "/.well-known/openid-configuration" => {
                let published = self.published();
                Some(json!({"issuer": published.issuer, "jwks_uri": format!("{}/keys", published.keys_at)}))
            }
            "/keys" => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                Some(json!({"keys": self.published().keys}))
            }
            "/job" => {
                let shown = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
                let (key, more) = self.published().job.clone().filter(|_| shown == format!("Bearer {JOB_TOKEN}"))?;
                let mut claims = self.claims(&query(request.uri()).remove("audience")?);
                claims.as_object_mut()?.extend(more.as_object()?.clone());
                Some(json!({"value": key.sign(&claims)}))
            }
            _ => None,
        }
    }
}

fn query(uri: &Uri) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://issuer{uri}")).expect("an address");
    url.query_pairs().into_owned().collect()
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = shared.answer(&request);
            let status = if answer.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
            let body = Full::new(Bytes::from(answer.unwrap_or_default().to_string()));
            let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
            async move { Ok::<_, Infallible>(response.body(body).expect("a response")) }
        });
        // A client may end the connection at any time.
        tokio::spawn(async move { http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok() });
    }
}
