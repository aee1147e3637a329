use std::{path::Path, process::Stdio};

use bytes::Bytes;
use reqwest::{Client, Response, header::HeaderMap, multipart};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    archive::{NAME, VERSION},
    error::{Failure, Result},
    process::{Running, free_port},
};

/// A limit that no load reaches; the limiter is on, as it is for users.
const NO_OBSTACLE: &str = "1000000000";

/// The registry's server on a data folder of its own.
#[derive(Debug)]
pub(crate) struct RegistryServer {
    process: Running,
    port: u16,
    client: Client,
    _data: TempDir,
}

/// What is downloaded, and what it comes with.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) url: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Deserialize)]
struct Login {
    access_token: String,
}

impl RegistryServer {
    pub(crate) async fn start(binary: &Path) -> Result<Self> {
        let data = tempfile::tempdir().map_err(Failure::io("no temporary folder"))?;
        let port = free_port()?;
        let log = std::fs::File::create(data.path().join("log")).map_err(Failure::io("no log file"))?;
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .current_dir(data.path())
            .env_clear()
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .env("DATA_DIR", data.path().join("data"))
            .env("LOG_LEVEL", "info")
            .env("LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(log)
            .kill_on_drop(true);
        for class in ["SEARCH", "DOWNLOAD", "PUBLISH", "AUTH", "OTHER"] {
            command.env(format!("RATE_LIMIT_{class}"), NO_OBSTACLE);
        }
        let child = command.spawn().map_err(Failure::io(format!("{} does not start", binary.display())))?;
        let mut process = Running::new(child)?;
        process.listens("the registry", port).await?;
        Ok(Self { process, port, client: Client::new(), _data: data })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Publishes `archive` as a new user and downloads it once.
    pub(crate) async fn publish(&self, archive: Bytes) -> Result<Download> {
        let password = "a long enough passphrase of mine";
        let user = json!({"username": "bench", "email": "bench@example.com", "password": password});
        let request = self.client.post(self.url("/api/v1/users/register")).json(&user);
        answered("the registration", request.send().await?).await?;
        let request = self.client.post(self.url("/api/v1/users/login")).json(&user);
        let login: Login = answered("the login", request.send().await?).await?.json().await?;

        let part = multipart::Part::stream(archive.clone()).file_name("bench-1.0.0.aam");
        let form = multipart::Form::new().part("archive", part);
        let request = self.client.post(self.url("/api/v1/packages")).bearer_auth(login.access_token).multipart(form);
        answered("the publish", request.send().await?).await?;

        let path = format!("/api/v1/packages/{NAME}/{VERSION}/download");
        let url = self.url(&path);
        let response = answered("the download", self.client.get(&url).send().await?).await?;
        let headers = response.headers().clone();
        let body = response.bytes().await?;
        if body != archive {
            return Err(Failure::Other("the download is not what was published".to_owned()));
        }
        Ok(Download { url, path, headers, body })
    }
}

async fn answered(what: &'static str, response: Response) -> Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    Err(Failure::Refused { what, status, body: response.text().await? })
}
