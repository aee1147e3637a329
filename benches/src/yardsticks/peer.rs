use std::{fs, process::Stdio};

use tempfile::TempDir;
use tokio::process::Command;

use super::{Work, Yardstick};
use crate::{
    bench::Bench,
    error::{Failure, Result},
    load::Request,
    process::{Running, free_port},
};

/// One of the servers of `aam-registry-peers`.
#[derive(Debug)]
pub(super) struct Peer {
    process: Running,
    port: u16,
    path: String,
    asked: Vec<(String, String)>,
    _folder: TempDir,
}

/// The headers that hyper adds itself.
const OWN: [&str; 2] = ["date", "connection"];

impl Peer {
    pub(super) async fn start(bench: &Bench, which: &str, work: &Work) -> Result<Self> {
        let folder = bench.folder(which)?;
        let (body, headers) = (folder.path().join("body"), folder.path().join("headers.json"));
        fs::write(&body, &work.answer.body).map_err(Failure::io("the body for a peer"))?;
        // The raw loop adds no headers, and its answers must have the same length.
        let is_own = |name: &str| which != "raw-loop" && OWN.contains(&name);
        let pairs = work.answer.headers.iter().filter(|(name, _)| !is_own(name.as_str()));
        let pairs: Vec<_> = pairs.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let pairs = serde_json::to_vec(&pairs).map_err(|error| Failure::Other(error.to_string()))?;
        fs::write(&headers, pairs).map_err(Failure::io("the headers for a peer"))?;

        let port = free_port()?;
        let mut command = Command::new(bench.peers());
        command.arg(which).args(["--port", &port.to_string()]).arg("--body").arg(&body).arg("--headers").arg(&headers);
        command.args(["--status", &work.answer.status.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = Running::start(which, command)?;
        process.listens(port).await?;
        let (path, asked) = (work.answer.path.clone(), work.asked.clone());
        Ok(Self { process, port, path, asked, _folder: folder })
    }
}

impl Yardstick for Peer {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn request(&self, connections: u32) -> Request {
        let mut request = Request::new(format!("http://127.0.0.1:{}", self.port), &*self.path, connections);
        request.headers.clone_from(&self.asked);
        request
    }
}
