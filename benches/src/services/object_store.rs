use std::{env, fs, path::Path, process::Stdio};

use tempfile::TempDir;
use tokio::process::Command;

use super::object_server::{ACCESS_KEY, SECRET_KEY, SENT};
use crate::{
    bench::Bench,
    error::{Failure, Result},
    process::{Running, free_port},
    server::Setup,
};

const BUCKET: &str = "packages";

/// An S3 server in its own process.
#[derive(Debug)]
pub(crate) struct ObjectStore {
    _process: Running,
    port: u16,
    folder: TempDir,
}

impl ObjectStore {
    pub(crate) async fn start(bench: &Bench) -> Result<Self> {
        let folder = bench.folder("s3")?;
        fs::create_dir(folder.path().join(BUCKET)).map_err(Failure::io("the bucket"))?;
        let port = free_port()?;
        let mut command = Command::new(env::current_exe().map_err(Failure::io("this program is gone"))?);
        command.args(["s3-server", "--port", &port.to_string(), "--root"]).arg(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = Running::start("the S3 server", command)?;
        process.listens(port).await?;
        Ok(Self { _process: process, port, folder })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Makes a registry store its archives here.
    pub(crate) fn configure(&self, setup: Setup) -> Setup {
        setup
            .with("STORAGE_BACKEND", "s3")
            .with("S3_BUCKET", BUCKET)
            .with("S3_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port))
            .with("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .with("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    }

    /// The path of the object with these bytes.
    pub(crate) fn path_of(&self, bytes: &[u8]) -> Result<String> {
        let path = find(&self.folder.path().join(BUCKET), bytes).map_err(Failure::io("the bucket"))?;
        let path = path.ok_or_else(|| Failure::Other("an archive is not in the bucket".to_owned()))?;
        Ok(format!("/{BUCKET}/{path}"))
    }

    /// How many bytes of objects it has sent so far.
    pub(crate) async fn sent(&self) -> Result<u64> {
        let text = reqwest::get(format!("http://127.0.0.1:{}{SENT}", self.port)).await?.text().await?;
        text.parse().map_err(|_| Failure::Other(format!("the S3 server has sent `{text}`")))
    }
}

/// The path below `folder` of the file with these bytes.
fn find(folder: &Path, bytes: &[u8]) -> std::io::Result<Option<String>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            if let Some(below) = find(&entry.path(), bytes)? {
                return Ok(Some(format!("{name}/{below}")));
            }
        } else if metadata.len() == bytes.len() as u64 && fs::read(entry.path())? == bytes {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
