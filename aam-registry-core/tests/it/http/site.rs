//! A registry with its HTTP service.

use std::{convert::Infallible, net::SocketAddr, sync::OnceLock};

use aam_registry_core::{
    http::{PeerAddr, RegistryService, RegistryServiceBuilder},
    memory::MemoryLimiter,
    types::Principal,
};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body::Body;
use http_body_util::Full;
use serde_json::Value;
use tower::ServiceExt;

use super::reply::Reply;
use crate::registry::world::{PASSWORD, World, archive};

#[derive(Debug)]
pub(super) struct Site {
    pub(super) world: World,
    service: RegistryService,
    prefix: &'static str,
}

impl Site {
    pub(super) fn new() -> Self {
        Self::of(World::new())
    }

    pub(super) fn of(world: World) -> Self {
        Self::with(world, "", |builder| builder)
    }

    pub(super) fn with(
        world: World,
        prefix: &'static str,
        change: impl FnOnce(RegistryServiceBuilder) -> RegistryServiceBuilder,
    ) -> Self {
        let builder = RegistryService::builder(world.registry.clone()).prefix(prefix);
        let service = change(builder).build().expect("valid settings");
        Self { world, service, prefix }
    }

    /// A site with a user `ada` who has published `greet-kit` 1.0.0, and her bearer token.
    pub(super) async fn published() -> (Self, String) {
        let site = Self::new();
        let token = site.user("ada").await;
        let by = site.world.registry.authenticate(&token).await.expect("ada");
        site.world.published(&by, "greet-kit", "1.0.0").await;
        (site, token)
    }

    /// Creates a user; returns the bearer token of a login.
    pub(super) async fn user(&self, name: &str) -> String {
        self.world.register(name).await;
        self.login(name).await
    }

    pub(super) async fn login(&self, name: &str) -> String {
        self.world.registry.login(name, PASSWORD.into()).await.expect("logged in").access_token
    }

    pub(super) async fn principal(&self, token: &str) -> Principal {
        self.world.registry.authenticate(token).await.expect("authenticated")
    }

    /// Sends a request and compares the answer with the OpenAPI document.
    pub(super) async fn send<B>(&self, mut request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if request.extensions().get::<PeerAddr>().is_none() {
            request.extensions_mut().insert(PeerAddr("192.0.2.1:4711".parse().expect("address")));
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let reply = Reply::of(self.respond(request).await).await;
        if let Some(path) = path.strip_prefix(self.prefix) {
            let path = if path.is_empty() { "/" } else { path };
            assert_documented(&method, path, reply.status.as_u16());
        }
        reply
    }

    /// Sends a request; for answers whose body must not be read at once.
    pub(super) async fn respond<B>(&self, request: Request<B>) -> Response<aam_registry_core::http::RegistryBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let response: Result<_, Infallible> = self.service.clone().oneshot(request).await;
        let Ok(response) = response;
        response
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    pub(super) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(request(Method::GET, path, headers, "")).await
    }

    pub(super) async fn head(&self, path: &str) -> Reply {
        self.send(request(Method::HEAD, path, &[], "")).await
    }

    /// Sends a request without a body, with the bearer token `token`.
    pub(super) async fn act(&self, method: Method, path: &str, token: &str) -> Reply {
        self.send(request(method, path, &[("authorization", &format!("Bearer {token}"))], "")).await
    }

    /// Sends JSON, with the bearer token `token` unless that is empty.
    pub(super) async fn send_json(&self, method: Method, path: &str, token: &str, body: &Value) -> Reply {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("content-type", "application/json")];
        if !token.is_empty() {
            headers.push(("authorization", &authorization));
        }
        self.send(request(method, path, &headers, body.to_string())).await
    }

    pub(super) async fn publish(&self, token: &str, name: &str, version: &str) -> Reply {
        self.publish_form(token, &[("archive", &archive(name, version))]).await
    }

    /// Sends a form of these parts.
    pub(super) async fn publish_form(&self, token: &str, parts: &[(&str, &[u8])]) -> Reply {
        let headers =
            [("authorization", &*format!("Bearer {token}")), ("content-type", "multipart/form-data; boundary=edge")];
        self.send(request(Method::POST, "/api/v1/packages", &headers, form(parts))).await
    }
}

pub(super) fn limited(limiter: MemoryLimiter) -> Site {
    Site::of(World::with(|builder, _, _| builder.rate_limiter(limiter)))
}

/// Sends a request on a connection from `peer`.
pub(super) async fn from(site: &Site, peer: &str, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = request(method, path, headers, "");
    let peer: SocketAddr = format!("{peer}:4711").parse().expect("an address");
    request.extensions_mut().insert(PeerAddr(peer));
    site.send(request).await
}

pub(super) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let body = body.into();
    let mut request = Request::builder().method(method).uri(path);
    if !body.is_empty() {
        request = request.header(header::CONTENT_LENGTH, body.len());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body)).expect("a request")
}

pub(super) fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let file = if *name == "archive" { "; filename=\"package.aam\"" } else { "" };
        body.extend_from_slice(
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    body
}

/// The OpenAPI document of a registry at the root.
pub(super) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let service = RegistryService::new(World::new().registry);
        let read = async move {
            let Ok(response) = service.oneshot(request(Method::GET, "/api/openapi.json", &[], "")).await;
            Reply::of(response).await.json()
        };
        // Run on a thread of its own, because the tests have runtimes that must not be blocked.
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        std::thread::spawn(move || runtime().block_on(read)).join().expect("the document")
    })
}

/// The operation in the document for a request.
pub(super) fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let method = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_ascii_lowercase() };
    let paths = document()["paths"].as_object().expect("paths");
    let mut fitting: Vec<_> = paths.keys().filter(|template| fits(template, path)).collect();
    // Fixed segments take precedence over parameters.
    fitting.sort_by_key(|template| template.matches('{').count());
    paths[*fitting.first()?].get(method)
}

fn fits(template: &str, path: &str) -> bool {
    // A scope and a name are one parameter.
    let spelled = path.replace("%40", "@").replace("%2F", "/").replace("%2f", "/");
    let scoped = ["/api/v1/packages/", "/badge/"].into_iter().find_map(|root| {
        let rest = spelled.strip_prefix(root)?.strip_prefix('@')?;
        Some(format!("{root}{}", rest.replacen('/', "+", 1)))
    });
    let path = scoped.unwrap_or_else(|| path.to_owned());
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) | (Some("{path}"), Some(_)) => return true,
            (Some(wanted), Some(given)) if wanted == given || (wanted.starts_with('{') && !given.is_empty()) => {}
            _ => return false,
        }
    }
}

#[track_caller]
fn assert_documented(method: &Method, path: &str, status: u16) {
    let Some(operation) = operation(method, path) else {
        assert!(
            matches!(status, 401 | 404 | 405 | 429),
            "{method} {path} is not in the document, and answered {status}"
        );
        return;
    };
    let known = operation["responses"].get(status.to_string()).is_some();
    assert!(known, "{method} {path} answered {status}, which the document does not list");
}
