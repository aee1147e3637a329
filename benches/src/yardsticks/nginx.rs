use std::{fmt::Write, fs, path::Path, process::Stdio};

use reqwest::Client;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;

use super::{Protocol, Work, Yardstick};
use crate::{
    bench::{Bench, Certificate},
    error::{Failure, Result},
    load::Request,
    process::{Running, free_port, is_root},
    server::Canned,
};

const CONFIGURATION: &str = "nginx.conf";
const OK: u16 = 200;
const NOT_MODIFIED: u16 = 304;

/// nginx, serving the bytes of an answer from a folder with the same headers.
#[derive(Debug)]
pub(super) struct Nginx {
    process: Running,
    base: String,
    path: String,
    asked: Vec<(String, String)>,
    _folder: TempDir,
}

impl Nginx {
    pub(super) async fn start(bench: &Bench, work: &Work) -> Result<Self> {
        let binary = bench.program("nginx", "Debian: nginx")?;
        let folder = bench.folder("nginx")?;
        let port = free_port()?;
        let root = folder.path().join("root");
        let file = root.join(file_path(&work.whole.path));
        let parent = file.parent().unwrap_or(&root);
        fs::create_dir_all(parent).map_err(Failure::io("the folder for nginx"))?;
        fs::write(&file, &work.whole.body).map_err(Failure::io("the file for nginx"))?;
        let configuration = configure(folder.path(), port, work, bench.certificate());
        fs::write(folder.path().join(CONFIGURATION), configuration).map_err(Failure::io(CONFIGURATION))?;

        let mut command = Command::new(binary);
        command.arg("-c").arg(folder.path().join(CONFIGURATION)).arg("-p").arg(folder.path());
        command.stdin(Stdio::null()).stderr(Stdio::null());
        // If it were killed, its workers would keep running.
        let process = Running::start("nginx", command)?.stopped_by(Signal::TERM);
        let base = format!("{}://127.0.0.1:{port}", work.protocol.scheme());
        let (path, asked) = (work.whole.path.clone(), work.asked.clone());
        let mut nginx = Self { process, base, path, asked, _folder: folder };
        nginx.process.listens(port).await?;
        nginx.check(work).await?;
        Ok(nginx)
    }

    /// Verifies that both servers send the same.
    async fn check(&mut self, work: &Work) -> Result<()> {
        let client = Client::builder().tls_danger_accept_invalid_certs(true);
        // Over TLS both are asked with HTTP/1.1 here; the answers are the same.
        let client = if work.protocol == Protocol::Http2 { client.http2_prior_knowledge() } else { client }.build()?;
        let url = format!("{}{}", self.base, self.path);
        if work.answer.status == NOT_MODIFIED {
            // It creates its own entity tags, and knows no others.
            let whole = Canned::of(&self.path, client.get(&url).send().await?).await?;
            self.asked = vec![("If-None-Match".to_owned(), whole.header("etag").to_owned())];
        }
        let mut request = client.get(&url);
        for (name, value) in &self.asked {
            request = request.header(name, value);
        }
        let theirs = Canned::of(&self.path, request.send().await?).await?;
        let ours = &work.answer;
        if theirs.status != ours.status {
            return Err(Failure::Other(format!("nginx answers {} for {}", theirs.status, ours.status)));
        }
        let is_etag = |name: &str| ours.status == NOT_MODIFIED && name == "etag";
        let different = |name: &&reqwest::header::HeaderName| {
            !NGINX_OWN.contains(&name.as_str())
                && !is_etag(name.as_str())
                && theirs.headers.get(*name) != ours.headers.get(*name)
        };
        if let Some(name) = ours.headers.keys().chain(theirs.headers.keys()).find(different) {
            return Err(Failure::Other(format!("nginx does not send the same header `{name}`")));
        }
        if theirs.body != ours.body {
            return Err(Failure::Other("nginx does not serve the same bytes".to_owned()));
        }
        Ok(())
    }
}

impl Yardstick for Nginx {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn request(&self, connections: u32) -> Request {
        let mut request = Request::new(&*self.base, &*self.path, connections);
        request.headers.clone_from(&self.asked);
        request
    }
}

/// The path of the file that nginx serves for a request path.
fn file_path(path: &str) -> &str {
    path.split('?').next().unwrap_or(path).trim_start_matches('/')
}

/// The headers that nginx sets itself, with the registry's values or equally long ones.
const NGINX_OWN: [&str; 5] = ["server", "date", "connection", "content-length", "content-type"];

/// The fastest known configuration for files: two workers, `sendfile`, head and body in one packet,
/// open files cached, no log.
fn configure(folder: &Path, port: u16, work: &Work, certificate: &Certificate) -> String {
    let answer = &work.answer;
    let makes_etag = answer.status == NOT_MODIFIED;
    // nginx sends `Accept-Ranges` with a whole file, unless ranges are turned off, and never with a
    // part.
    let takes_ranges = work.whole.headers.contains_key("accept-ranges");
    let mut headers = String::new();
    for (name, value) in &answer.headers {
        let name = name.as_str();
        let is_made = match name {
            "accept-ranges" => answer.status == OK,
            "content-range" => true,
            "etag" => makes_etag,
            name => NGINX_OWN.contains(&name),
        };
        if let (false, Ok(value)) = (is_made, value.to_str()) {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(headers, "      add_header {name} \"{value}\";").expect("a string takes all");
        }
    }
    let content_type = work.whole.header("content-type");
    let mut listen = format!("listen 127.0.0.1:{port}");
    if work.protocol.is_tls() {
        listen.push_str(" ssl");
    }
    if work.protocol.is_http2() {
        listen.push_str(" http2");
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
  etag {etag};
  {ranges}
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  server {{
    {listen};
    location / {{
      root {folder}/root;
      add_header Last-Modified "";
{headers}    }}
  }}
}}
"#,
        folder = folder.display(),
        ranges = if takes_ranges { "" } else { "max_ranges 0;" },
        etag = if makes_etag { "on" } else { "off" },
        certificate = certificate.chain.display(),
        key = certificate.key.display(),
        // Workers of a root process would lose the right to read the folder.
        user = if is_root() { "user root;" } else { "" },
    )
}
