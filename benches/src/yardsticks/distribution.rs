use std::{fs, path::Path, process::Stdio};

use aam_registry_core::types::Sha256Digest;
use bytes::Bytes;
use reqwest::{Client, StatusCode};
use tempfile::TempDir;
use tokio::process::Command;

use super::{Work, Yardstick};
use crate::{
    bench::Bench,
    error::{Failure, Result},
    load::Request,
    process::{Running, free_port},
};

/// CNCF distribution, the registry of container images, serving the bytes as a blob.
#[derive(Debug)]
pub(super) struct Distribution {
    process: Running,
    base: String,
    path: String,
    _folder: TempDir,
}

impl Distribution {
    pub(super) async fn start(bench: &Bench, work: &Work) -> Result<Self> {
        let binary = bench.program("docker-registry", "Debian: docker-registry")?;
        let folder = bench.folder("distribution")?;
        let port = free_port()?;
        let configuration = folder.path().join("config.yml");
        fs::write(&configuration, configure(folder.path(), port)).map_err(Failure::io("the file for distribution"))?;
        let mut command = Command::new(binary);
        command.arg("serve").arg(&configuration);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Running::start("distribution", command)?;
        process.listens(port).await?;
        let base = format!("http://127.0.0.1:{port}");
        let path = push(&base, &work.answer.body).await?;
        Ok(Self { process, base, path, _folder: folder })
    }
}

impl Yardstick for Distribution {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn request(&self, connections: u32) -> Request {
        Request::new(&*self.base, &*self.path, connections)
    }
}

/// Pushes a blob (OCI distribution specification, section "Pushing blobs"); returns its path.
async fn push(base: &str, blob: &Bytes) -> Result<String> {
    let client = Client::new();
    let strange = |what: &str| Failure::Other(format!("distribution {what}"));
    let begun = client.post(format!("{base}/v2/bench/blobs/uploads/")).send().await?;
    let location = begun.headers().get("location").and_then(|value| value.to_str().ok());
    let mut url = reqwest::Url::parse(location.ok_or_else(|| strange("begins no upload"))?)
        .map_err(|_| strange("names no place for an upload"))?;
    let digest = format!("sha256:{}", Sha256Digest::of(blob));
    url.query_pairs_mut().append_pair("digest", &digest);
    let put = client.put(url).header("content-type", "application/octet-stream").body(blob.clone()).send().await?;
    if put.status() != StatusCode::CREATED {
        return Err(strange("takes no blob"));
    }
    let path = format!("/v2/bench/blobs/{digest}");
    let pulled = client.get(format!("{base}{path}")).send().await?.bytes().await?;
    if pulled == *blob { Ok(path) } else { Err(strange("does not serve the same bytes")) }
}

fn configure(folder: &Path, port: u16) -> String {
    format!(
        "version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {folder}/blobs
  cache:
    blobdescriptor: inmemory
http:
  addr: 127.0.0.1:{port}
  secret: of-a-benchmark
",
        folder = folder.display()
    )
}
