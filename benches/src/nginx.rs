use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use reqwest::Client;
use tempfile::TempDir;

use crate::{
    error::{Failure, Result},
    process::{Running, free_port},
    registry::Download,
};

const CONFIGURATION: &str = "nginx.conf";

/// nginx, serving the bytes of a download from a folder with the same headers.
#[derive(Debug)]
pub(crate) struct Nginx {
    process: Running,
    port: u16,
    binary: PathBuf,
    folder: TempDir,
}

impl Nginx {
    pub(crate) async fn start(binary: &Path, download: &Download) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(Failure::io("no temporary folder"))?;
        let port = free_port()?;
        let root = folder.path().join("root");
        let file = root.join(download.path.trim_start_matches('/'));
        let parent = file.parent().unwrap_or(&root);
        fs::create_dir_all(parent).map_err(Failure::io("the folder for nginx"))?;
        fs::write(&file, &download.body).map_err(Failure::io("the file for nginx"))?;
        let configuration = configure(folder.path(), port, download);
        fs::write(folder.path().join(CONFIGURATION), configuration).map_err(Failure::io(CONFIGURATION))?;
        let mut start = tokio::process::Command::from(command(binary, folder.path()));
        let child = start.kill_on_drop(true).spawn().map_err(Failure::io("nginx does not start"))?;
        let mut nginx = Self { process: Running::new(child)?, port, binary: binary.to_owned(), folder };
        nginx.process.listens("nginx", port).await?;
        nginx.check(download).await?;
        Ok(nginx)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn url(&self, download: &Download) -> String {
        format!("http://127.0.0.1:{}{}", self.port, download.path)
    }

    /// Makes sure that both send the same.
    async fn check(&self, download: &Download) -> Result<()> {
        let response = Client::new().get(self.url(download)).send().await?;
        let headers = response.headers().clone();
        let different = |name: &&reqwest::header::HeaderName| {
            !NGINX_OWN.contains(&name.as_str()) && headers.get(*name) != download.headers.get(*name)
        };
        if let Some(name) = download.headers.keys().chain(headers.keys()).find(different) {
            return Err(Failure::Other(format!("nginx does not send the same header `{name}`")));
        }
        if response.bytes().await? != download.body {
            return Err(Failure::Other("nginx does not serve the same bytes".to_owned()));
        }
        Ok(())
    }
}

impl Drop for Nginx {
    /// Lets nginx end its workers itself: killed, it would leave them behind.
    fn drop(&mut self) {
        let mut stop = command(&self.binary, self.folder.path());
        // What goes wrong here is seen by nobody who could help.
        stop.args(["-s", "stop"]).stderr(Stdio::null()).status().ok();
        if !self.process.ended_within(Duration::from_secs(5)) {
            eprintln!("nginx does not end; its process id is {}", self.pid());
        }
    }
}

fn command(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("-c").arg(folder.join(CONFIGURATION)).arg("-p").arg(folder).stdin(Stdio::null());
    command
}

/// The headers that nginx makes itself, the same as ours or as long.
const NGINX_OWN: [&str; 5] = ["server", "date", "connection", "content-length", "content-type"];

/// As fast as nginx is known to serve files: two workers, `sendfile`, its head
/// in one packet with the body, open files cached, no log.
fn configure(folder: &Path, port: u16, download: &Download) -> String {
    let folder = folder.display();
    let content_type = download.headers.get("content-type").and_then(|value| value.to_str().ok());
    let mut headers = String::new();
    for (name, value) in &download.headers {
        if let (false, Ok(value)) = (NGINX_OWN.contains(&name.as_str()), value.to_str()) {
            // nginx makes this one for files, unless told not to.
            if name != "accept-ranges" {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                writeln!(headers, "      add_header {name} \"{value}\";").expect("a string takes all");
            }
        }
    }
    format!(
        r#"daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 2048; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  open_file_cache max=1000 inactive=1h;
  open_file_cache_valid 1h;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  types {{ }}
  default_type "{content_type}";
  etag off;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      root {folder}/root;
      add_header Last-Modified "";
{headers}    }}
  }}
}}
"#,
        // Started by root, its workers would lose the right to read the folder.
        user = if is_root() { "user root;" } else { "" },
        content_type = content_type.unwrap_or("application/gzip"),
    )
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}
