//! Downloading archives.

use std::{
    fs::File,
    io::{self, Seek, Write},
    time::Instant,
};

use aam_registry_core::types::{PackageName, Sha256Digest, Version};
use sha2::{Digest, Sha256};

use super::{
    answer,
    client::Client,
    pace::Pace,
    retry::{self, Repeat},
    unreachable::unreachable_registry,
};
use crate::failure::{Failure, Result};

/// What the bytes of an archive must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) sha256: Sha256Digest,
    /// In bytes.
    pub(crate) size: u64,
}

impl Client {
    /// Downloads the archive of a version into `file`, from its beginning, and
    /// verifies it; `progress` hears the bytes that have arrived so far.
    pub(crate) async fn download(
        &self,
        name: &PackageName,
        version: &Version,
        expected: Expected,
        file: &mut File,
        progress: impl Fn(u64),
    ) -> Result<()> {
        let mut attempt = 0;
        loop {
            match self.download_once(name, version, expected, file, &progress).await? {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let last = attempt + 1 == retry::ATTEMPTS;
                    if last || !self.wait(retry::backoff(attempt), None).await {
                        return Err(unreachable_registry(self.registry(), &error));
                    }
                }
            }
            attempt += 1;
        }
    }

    /// One try; the inner error is one that another try may not meet.
    async fn download_once(
        &self,
        name: &PackageName,
        version: &Version,
        expected: Expected,
        file: &mut File,
        progress: &impl Fn(u64),
    ) -> Result<Result<(), reqwest::Error>> {
        let url = self.version_url(name, version, "download");
        let mut response = self.send(Repeat::Harmless, || self.download_request(url.clone())).await?;
        if !response.status().is_success() {
            return Err(answer::failure(self.registry(), response).await);
        }
        let failed =
            |error: io::Error| Failure::system(&format!("Cannot keep the archive of {name} {version}"), &error);
        if response.content_length().is_some_and(|size| size != expected.size) {
            let told = response.content_length().unwrap_or_default();
            return Err(tampered(name, version, &format!("{told} bytes instead of {}", expected.size)));
        }
        file.rewind().map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        let mut hash = Sha256::new();
        let mut received = 0;
        let mut pace = Pace::new(Instant::now(), self.ceilings().slow);
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            received += chunk.len() as u64;
            if received > expected.size {
                return Err(tampered(name, version, &format!("more than the {} bytes expected", expected.size)));
            }
            if !pace.holds(Instant::now(), chunk.len() as u64) {
                return Err(self.ceilings().too_slow(self.registry(), &format!("{name} {version}")));
            }
            hash.update(&chunk);
            file.write_all(&chunk).map_err(failed)?;
            progress(received);
        }
        let actual = Sha256Digest::from(<[u8; 32]>::from(hash.finalize()));
        if actual != expected.sha256 {
            return Err(tampered(name, version, &format!("the SHA-256 {actual} instead of {}", expected.sha256)));
        }
        Ok(Ok(()))
    }
}

fn tampered(name: &PackageName, version: &Version, what: &str) -> Failure {
    Failure::integrity(format!("The archive of {name} {version} is not the one that was published: it has {what}"))
        .hint("nothing of it was installed; try again, and tell the registry's operator if it stays so")
}
