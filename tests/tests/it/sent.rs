//! Versions that were sent to be published, and their outcomes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use aam_registry_core::types::Sha256Digest;
use aam_registry_tests::{Answer, Api, Package};
use futures_util::{StreamExt, stream};
use rand::{RngExt, rngs::StdRng};
use reqwest::Body;
use serde_json::Value;

/// Bytes that do not compress.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut noise = vec![0; len];
    rand::rng().fill(&mut noise[..]);
    noise
}

/// A version that was sent, and whether it was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) aam: Vec<u8>,
    pub(crate) sha256: String,
    pub(crate) acknowledged: bool,
}

impl Sent {
    /// A new version of one of nine packages: most are small, so that a fault hits their commit; some
    /// are so large that it hits their upload.
    pub(crate) fn new(rng: &mut StdRng, serial: u64) -> Self {
        let size = if rng.random_bool(0.15) { 2_000_000 } else { rng.random_range(0..20_000) };
        Self::sized(rng, serial, size)
    }

    /// A version with that many bytes of noise.
    pub(crate) fn sized(rng: &mut StdRng, serial: u64, size: usize) -> Self {
        let (name, version) = (format!("pkg-{}", serial % 9), format!("1.{serial}.0"));
        let mut noise = vec![0; size];
        rng.fill(&mut noise[..]);
        let aam = Package::new(&name, &version).file("noise", noise).aam();
        let sha256 = Sha256Digest::of(&aam).to_string();
        Self { name, version, aam, sha256, acknowledged: false }
    }

    /// The archive as a body in several chunks.
    pub(crate) fn in_chunks(&self) -> Body {
        let chunks: Vec<_> = self.aam.chunks(64 * 1024).map(|chunk| Ok::<_, io::Error>(chunk.to_vec())).collect();
        Body::wrap_stream(stream::iter(chunks).then(async |chunk| {
            tokio::task::yield_now().await;
            chunk
        }))
    }

    pub(crate) fn path(&self) -> String {
        format!("/api/v1/packages/{}/{}", self.name, self.version)
    }

    /// Whether the answer acknowledges exactly this archive, now or in an earlier attempt.
    #[track_caller]
    pub(crate) fn is_acknowledged_by(&self, answer: &Answer) -> bool {
        match answer.status {
            201 => true,
            409 => {
                let error = answer.json();
                assert_eq!(error["error"], "version_exists", "{error}");
                assert!(details(&error).contains(&("sha256".into(), self.sha256.clone())), "{error}");
                true
            }
            _ => false,
        }
    }

    /// Asserts that an acknowledged version exists, and that any other one is complete or can be
    /// published again.
    pub(crate) async fn check(&mut self, api: &Api) {
        if !self.acknowledged {
            let answer = api.publish(&self.aam, &[]).await;
            let acknowledged = self.is_acknowledged_by(&answer);
            assert!(acknowledged, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
            self.acknowledged = true;
        }
        let version = api.get(&self.path()).await.expect_status(200).json();
        assert_eq!(version["checksum"]["sha256"], *self.sha256);
        let archive = api.get(&format!("{}/download", self.path())).await.expect_status(200);
        assert!(archive.body == self.aam, "{} {} has other bytes than were sent", self.name, self.version);
    }
}

fn details(error: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let details = error["details"].as_array().into_iter().flatten();
    details.map(|detail| (text(&detail["field"]), text(&detail["error"]))).collect()
}

/// Asserts that exactly the sent versions are listed, and that each can be downloaded completely.
pub(crate) async fn check_listings(api: &Api, everything: &[Sent]) {
    let mut expected: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for sent in everything {
        expected.entry(&sent.name).or_default().insert((&sent.version, &sent.sha256));
    }
    let found = api.get("/api/v1/packages?limit=100").await.expect_status(200).json();
    assert_eq!(found["total"], expected.len());
    for (name, expected) in expected {
        let answer = api.get(&format!("/api/v1/packages/{name}/versions")).await.expect_status(200).json();
        let versions = answer["versions"].as_array().expect("a list");
        let listed: BTreeSet<_> = versions
            .iter()
            .map(|version| {
                let text = |value: &'_ Value| value.as_str().expect("text").to_owned();
                (text(&version["version"]), text(&version["checksum"]["sha256"]))
            })
            .collect();
        let listed: BTreeSet<_> = listed.iter().map(|(version, sha256)| (&**version, &**sha256)).collect();
        assert_eq!(listed, expected, "{name}");
        for (version, sha256) in listed {
            let archive: Answer = api.get(&format!("/api/v1/packages/{name}/{version}/download")).await;
            assert_eq!(archive.expect_status(200).sha256(), sha256, "{name} {version}");
        }
    }
}
