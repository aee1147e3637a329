use std::{fs, path::Path, process::Stdio};

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::{Work, Yardstick};
use crate::{
    bench::Bench,
    error::{Failure, Result},
    load::Request,
    process::{Running, free_port},
};

const TARBALL: &str = "bench-1.0.0.tgz";

/// verdaccio, the registry of npm packages, serving the bytes as a tarball.
#[derive(Debug)]
pub(super) struct Verdaccio {
    process: Running,
    base: String,
    _folder: TempDir,
}

impl Verdaccio {
    pub(super) async fn start(bench: &Bench, work: &Work) -> Result<Self> {
        let node = bench.program("node", "Debian: nodejs")?;
        let script = bench.verdaccio()?;
        let folder = bench.folder("verdaccio")?;
        store(folder.path(), work).map_err(Failure::io("the folder for verdaccio"))?;
        let port = free_port()?;
        let mut command = Command::new(node);
        command.arg(script).arg("--config").arg(folder.path().join("config.yaml"));
        command.args(["--listen", &format!("127.0.0.1:{port}")]).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Running::start("verdaccio", command)?;
        process.listens(port).await?;
        let verdaccio = Self { process, base: format!("http://127.0.0.1:{port}"), _folder: folder };
        let url = format!("{}/bench/-/{TARBALL}", verdaccio.base);
        if reqwest::get(url).await?.error_for_status()?.bytes().await? != work.answer.body {
            return Err(Failure::Other("verdaccio does not serve the same bytes".to_owned()));
        }
        Ok(verdaccio)
    }
}

impl Yardstick for Verdaccio {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn request(&self, connections: u32) -> Request {
        Request::new(&*self.base, format!("/bench/-/{TARBALL}"), connections)
    }
}

/// Creates a package in the form in which verdaccio stores published ones.
fn store(folder: &Path, work: &Work) -> std::io::Result<()> {
    let package = folder.join("storage/bench");
    fs::create_dir_all(&package)?;
    fs::write(package.join(TARBALL), &work.answer.body)?;
    let now = "2026-01-01T00:00:00.000Z";
    let document = json!({
        "name": "bench",
        "versions": {"1.0.0": {
            "name": "bench", "version": "1.0.0",
            "dist": {"tarball": format!("http://localhost/bench/-/{TARBALL}"), "shasum": "0".repeat(40)},
        }},
        "dist-tags": {"latest": "1.0.0"},
        "time": {"created": now, "modified": now, "1.0.0": now},
        "_uplinks": {}, "_distfiles": {}, "_rev": "1-0", "_id": "bench", "readme": "",
        "_attachments": {TARBALL: {"shasum": "0".repeat(40), "version": "1.0.0"}},
    });
    fs::write(package.join("package.json"), document.to_string())?;
    fs::write(
        folder.join("config.yaml"),
        "storage: ./storage\n\
         web: { enable: false }\n\
         uplinks: {}\n\
         packages: { '**': { access: $all } }\n\
         log: { type: stdout, format: json, level: error }\n",
    )
}
