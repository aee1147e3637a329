use std::{fmt, sync::Arc, time::Duration};

use aam_registry_core::{
    Error, Result,
    ports::{Cdn, JobFailure},
    types::Sha256Digest,
};
use async_trait::async_trait;
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256},
};
use bytes::Bytes;
use data_encoding::BASE64;
use http::{Request, header};
use jiff::Timestamp;
use quick_xml::escape::escape;
use reqsign_aws_v4::{Credential, RequestSigner, StaticCredentialProvider};
use reqsign_core::{Context, Signer};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};

use super::{InvalidSigningKey, api, signing_key::path_of};
use crate::outgoing::OutgoingClient;

/// The address of the API, which is one for all regions.
const API: &str = "https://cloudfront.amazonaws.com";
/// The region that its requests are signed for.
const REGION: &str = "us-east-1";

/// Amazon `CloudFront`: purges by an invalidation of paths, and signs URLs with a canned policy by SHA-256.
pub struct CloudFront {
    client: OutgoingClient,
    api: String,
    distribution: String,
    signer: Arc<Signer<Credential>>,
    key: Option<CloudFrontKey>,
}

/// The private key of a public key in a trusted key group of the distribution.
pub struct CloudFrontKey {
    id: String,
    key: PrivateKey,
}

enum PrivateKey {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl CloudFrontKey {
    /// The key with that id: RSA of 2048 bits or ECDSA P-256, in PEM.
    ///
    /// # Errors
    /// [`InvalidSigningKey`] for anything else.
    pub fn from_pem(id: impl Into<String>, pem: &SecretString) -> Result<Self, InvalidSigningKey> {
        let invalid = InvalidSigningKey("must be a private key in PEM: RSA of 2048 bits or ECDSA P-256");
        let der = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| invalid)?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map(PrivateKey::Rsa),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
                    .map(PrivateKey::Ecdsa)
                    .or_else(|_| RsaKeyPair::from_pkcs8(der).map(PrivateKey::Rsa))
            }
            PrivateKeyDer::Sec1(der) => {
                EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_sec1_der())
                    .map(PrivateKey::Ecdsa)
            }
            _ => return Err(invalid),
        };
        Ok(Self { id: id.into(), key: key.map_err(|_| invalid)? })
    }

    fn sign(&self, text: &str) -> Result<String> {
        let (random, text) = (SystemRandom::new(), text.as_bytes());
        let failed = |_| Error::internal("the key of the CDN cannot sign");
        let signature = match &self.key {
            PrivateKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).map_err(failed)?;
                signature
            }
            PrivateKey::Ecdsa(key) => key.sign(&random, text).map_err(failed)?.as_ref().to_vec(),
        };
        // The characters that a query cannot have stand for others.
        Ok(BASE64.encode(&signature).replace('+', "-").replace('=', "_").replace('/', "~"))
    }
}

impl CloudFront {
    /// The distribution with that id. Requests are signed with an access key that may invalidate, and its secret.
    pub fn new(
        client: OutgoingClient,
        distribution: impl Into<String>,
        access_key: &str,
        secret_key: &SecretString,
    ) -> Self {
        let provider = StaticCredentialProvider::new(access_key, secret_key.expose_secret());
        let signer = Signer::new(Context::new(), provider, RequestSigner::new("cloudfront", REGION));
        let (api, distribution) = (API.to_owned(), distribution.into());
        Self { client, api, distribution, signer: Arc::new(signer), key: None }
    }

    /// Signs URLs with that key.
    #[must_use]
    pub fn with_signing_key(mut self, key: CloudFrontKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Calls another address than that of the API of `CloudFront`, for tests.
    #[must_use]
    pub fn with_api(mut self, api: impl Into<String>) -> Self {
        self.api = api.into();
        self
    }
}

#[async_trait]
impl Cdn for CloudFront {
    fn most_urls(&self) -> usize {
        1000
    }

    async fn purge(&self, urls: &[String], id: &str) -> Result<(), JobFailure> {
        let mut paths = String::new();
        for url in urls {
            paths.push_str("<Path>");
            paths.push_str(&escape(path_of(url)));
            paths.push_str("</Path>");
        }
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
             <CallerReference>{}</CallerReference><Paths><Items>{paths}</Items><Quantity>{}</Quantity></Paths>\
             </InvalidationBatch>",
            escape(id),
            urls.len()
        );
        let request = Request::post(format!("{}/2020-05-31/distribution/{}/invalidation", self.api, self.distribution))
            .header(header::CONTENT_TYPE, "application/xml")
            .header("x-amz-content-sha256", Sha256Digest::of(body.as_bytes()).to_string())
            .body(Bytes::from(body))
            .map_err(|_| JobFailure::for_good("cdn.zone is no text that an address can have"))?;
        let (mut parts, body) = request.into_parts();
        let signed = self.signer.sign(&mut parts, None).await;
        signed.map_err(|error| JobFailure::new(format!("the request to CloudFront cannot be signed: {error}")))?;
        api::send(&self.client, Request::from_parts(parts, body)).await.map(drop)
    }

    fn sign(&self, url: &str, now: Timestamp, lasting: Duration) -> Result<Option<String>> {
        let Some(key) = &self.key else { return Ok(None) };
        let end = now.as_second().saturating_add_unsigned(lasting.as_secs());
        let policy = format!(
            "{{\"Statement\":[{{\"Resource\":\"{url}\",\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{end}}}}}}}]}}"
        );
        let signature = key.sign(&policy)?;
        Ok(Some(format!("{url}?Expires={end}&Signature={signature}&Key-Pair-Id={}&Hash-Algorithm=SHA256", key.id)))
    }
}

impl fmt::Debug for CloudFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudFront").field("distribution", &self.distribution).finish_non_exhaustive()
    }
}

impl fmt::Debug for CloudFrontKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudFrontKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::AsDer,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_ASN1, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
        },
    };

    use super::*;
    use crate::outgoing::{AllowedNetworks, Outgoing};

    fn pem(der: &[u8]) -> SecretString {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64.encode(der)).into()
    }

    fn distribution(key: CloudFrontKey) -> CloudFront {
        let client = Outgoing::default().client(AllowedNetworks::default(), Duration::from_secs(1)).expect("a client");
        CloudFront::new(client, "EDFDVBD6EXAMPLE", "AKIDEXAMPLE", &"secret".to_owned().into()).with_signing_key(key)
    }

    /// What a viewer would verify: the policy of the address, against the signature in the query.
    fn check(pem: &SecretString, algorithm: &'static dyn VerificationAlgorithm, public: &[u8]) {
        let key = CloudFrontKey::from_pem("K2JCJMDEHXQW5F", pem).expect("a key");
        let (url, now) =
            ("https://cdn.example.com/api/v1/x", Timestamp::from_second(1_767_290_100).expect("an instant"));
        let signed = distribution(key).sign(url, now, Duration::from_mins(5)).expect("signed").expect("a key");
        let rest = signed.strip_prefix(&format!("{url}?Expires=1767290400&Signature=")).expect("the end");
        let signature = rest.strip_suffix("&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256").expect("the key");
        let base64 = signature.replace('-', "+").replace('_', "=").replace('~', "/");
        let signature = BASE64.decode(base64.as_bytes()).expect("base64");
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":1767290400}}}}}}]}}"#
        );
        UnparsedPublicKey::new(algorithm, public)
            .verify(policy.as_bytes(), &signature)
            .expect("a signature of the policy");
    }

    #[test]
    fn a_url_is_signed_by_a_canned_policy() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        check(&pem(rsa.as_der().expect("der").as_ref()), &RSA_PKCS1_2048_8192_SHA256, rsa.public_key().as_ref());
        let ecdsa = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, ecdsa.as_ref()).expect("a key");
        check(&pem(ecdsa.as_ref()), &ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref());
    }

    #[test]
    fn what_is_no_key_is_refused_without_quoting_it() {
        let refused = CloudFrontKey::from_pem("K", &SecretString::from("secret text")).expect_err("no key");
        assert!(!refused.to_string().contains("secret text"), "{refused}");
    }
}
