use std::collections::BTreeMap;

use aam_registry_core::types::Sha256Digest;
use reqwest::{
    Body, Client, Method, RequestBuilder,
    header::HeaderMap,
    multipart::{Form, Part},
};
use serde_json::Value;

/// A simple HTTP client for one server: no retries, no redirects.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

/// The answer of the server.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Api {
    pub(crate) fn new(base: &str) -> Self {
        Self { client: client(), base: base.to_owned(), token: None }
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client for another server.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// Begins a request with any method.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.try_get(path).await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// GET from a server that may not be running.
    pub async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::POST, path, Some(body)).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::PUT, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send_json(Method::DELETE, path, None).await
    }

    /// Publishes an archive, with text fields beside it.
    pub async fn publish(&self, aam: &[u8], fields: &[(&'static str, &str)]) -> Answer {
        let aam = aam.to_vec();
        self.try_publish(Body::from(aam), fields).await.unwrap_or_else(|error| panic!("POST of a package: {error}"))
    }

    /// Publishes a body to a server that may stop meanwhile.
    pub async fn try_publish(&self, aam: Body, fields: &[(&'static str, &str)]) -> reqwest::Result<Answer> {
        let mut form = Form::new().part("archive", Part::stream(aam).file_name("package.aam"));
        for (name, value) in fields {
            form = form.text(*name, (*value).to_owned());
        }
        send(self.request(Method::POST, "/api/v1/packages").multipart(form)).await
    }

    async fn send_json(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        send(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

/// An HTTP client with its own connections, which follows no redirects.
pub(crate) fn client() -> Client {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    client.expect("a client without TLS")
}

/// Sends a request and reads the whole answer.
async fn send(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
}

impl Answer {
    /// Sends a request that [`Api::request`] began.
    pub async fn of(request: RequestBuilder) -> Self {
        send(request).await.expect("an answer")
    }

    /// Asserts the status.
    #[expect(clippy::return_self_not_must_use, reason = "often the status is all that matters")]
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// A header's value; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The named headers that are present.
    pub fn headers(&self, names: &[&str]) -> BTreeMap<String, String> {
        let present = names.iter().filter(|name| self.headers.contains_key(**name));
        present.map(|name| ((*name).to_owned(), self.header(name).to_owned())).collect()
    }

    /// The digest of the body, in hex.
    pub fn sha256(&self) -> String {
        Sha256Digest::of(&self.body).to_string()
    }
}
