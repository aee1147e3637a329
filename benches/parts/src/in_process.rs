use std::net::{Ipv4Addr, SocketAddr};

use aam_registry_core::{
    decorate::CachedMetadata,
    http::{PeerAddr, RegistryService},
    memory::{self, MemoryMetadata},
};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use crate::archive::archive;

const NAME: &str = "@bench/download";
const PASSWORD: &str = "a long enough passphrase of mine";
const BOUNDARY: &str = "a-part-of-a-package";

/// A registry with one package of 12 KB, and the runtime for it.
#[derive(Debug)]
pub struct InProcess {
    runtime: Runtime,
    service: RegistryService,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, read to its end.
    pub body: Bytes,
}

impl InProcess {
    /// The path of the package's download.
    pub const DOWNLOAD: &str = "/api/v1/packages/@bench/download/1.0.0/download";
    /// The path of the version's metadata.
    pub const VERSION: &str = "/api/v1/packages/@bench/download/1.0.0";

    /// Creates the registry and publishes the package to it.
    ///
    /// # Panics
    /// If the registry refuses that.
    pub fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        // Cached like the metadata of the reference server.
        let database = CachedMetadata::builder(MemoryMetadata::new()).start();
        let freshness = database.freshness();
        let registry = memory::registry().database(database).build().expect("every port is there");
        let service = RegistryService::builder(registry).freshness(freshness).build().expect("valid settings");
        let started = Self { runtime, service };
        started.publish();
        started
    }

    fn publish(&self) {
        let user = json!({"username": "bench", "email": "bench@example.com", "password": PASSWORD}).to_string();
        let json = |path: &str| Request::post(path).header("content-type", "application/json");
        let send = |request: http::request::Builder, body: Bytes| {
            let answer = self.ask(request.body(Full::new(body)).expect("a request"));
            assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
            answer.body
        };
        send(json("/api/v1/users/register"), user.clone().into());
        let login: Value = serde_json::from_slice(&send(json("/api/v1/users/login"), user.into())).expect("a login");
        let token = login["access_token"].as_str().expect("a token");
        let mut form = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"archive\"; filename=\"package.aam\"\r\n\r\n"
        )
        .into_bytes();
        form.extend_from_slice(&archive(NAME, 12_000));
        form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let publish = Request::post("/api/v1/packages")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        send(publish, form.into());
    }

    /// Requests `path` with the headers of a client.
    ///
    /// # Panics
    /// If `path` is not valid.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answered {
        let request = Request::get(path).header("host", "127.0.0.1:8000");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.ask(request.body(Full::new(Bytes::new())).expect("a request"))
    }

    fn ask(&self, mut request: Request<Full<Bytes>>) -> Answered {
        request.extensions_mut().insert(PeerAddr(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000))));
        let service = self.service.clone();
        self.runtime.block_on(async move {
            let Ok(response) = service.oneshot(request).await;
            let (head, body) = response.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            Answered { status: head.status, headers: head.headers, body }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_published_is_downloaded() {
        let registry = InProcess::start();
        let answer = registry.get(InProcess::DOWNLOAD, &[]);
        assert_eq!((answer.status, answer.body), (StatusCode::OK, archive(NAME, 12_000)));
        let etag = answer.headers["etag"].to_str().expect("an entity tag");
        let again = registry.get(InProcess::DOWNLOAD, &[("if-none-match", etag)]);
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert_eq!(registry.get(InProcess::VERSION, &[]).status, StatusCode::OK);
    }
}
