//! Sending requests: time-outs, retries, the credential.

use std::{sync::Arc, time::Duration};

use aam_registry_core::types::{PackageName, Version};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, redirect::Policy};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    answer,
    limits::Limits,
    patience::Patience,
    retry::{self, Repeat},
    unreachable::{self, unreachable_registry},
};
use crate::{
    config::{Ceilings, RegistryUrl, Secret},
    failure::Result,
};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How many redirects are followed.
const REDIRECTS: usize = 5;
/// How long the registry may be silent.
pub(super) const IDLE: Duration = Duration::from_secs(30);

/// A client of one registry. Its token goes there and nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    /// Follows redirects to other origins, where the credential does not go along.
    downloads: reqwest::Client,
    /// Without the idle time-out, which counts sending as silence.
    pub(super) uploads: reqwest::Client,
    registry: RegistryUrl,
    token: Option<Secret>,
    patience: Patience,
    /// What the registry takes, once it was asked.
    pub(super) limits: Arc<OnceCell<Limits>>,
}

impl Client {
    /// A client of `registry` that sends `token` with every request and waits within `patience`.
    pub(crate) fn new(registry: RegistryUrl, token: Option<Secret>, patience: &Patience) -> Result<Self> {
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("aam/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT)
                // Where a download leads is not told what was asked of the registry.
                .referer(false)
                .pool_max_idle_per_host(8)
        };
        let failed = |error| unreachable::not_set_up(&error);
        let http = builder().redirect(within_the_origin()).read_timeout(IDLE).build().map_err(failed)?;
        let downloads = builder().redirect(Policy::limited(REDIRECTS)).read_timeout(IDLE).build().map_err(failed)?;
        let uploads = builder().redirect(Policy::none()).build().map_err(failed)?;
        Ok(Self { http, downloads, uploads, registry, token, patience: patience.clone(), limits: Arc::default() })
    }

    /// The same client with another token.
    pub(crate) fn with_token(&self, token: Secret) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    /// The registry's address.
    pub(crate) fn registry(&self) -> &RegistryUrl {
        &self.registry
    }

    /// Reads JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T> {
        let answer = async {
            let response = self.send(Repeat::Harmless, || self.request(Method::GET, url.clone())).await?;
            self.read(response).await
        };
        self.in_time(answer).await
    }

    /// Sends JSON and reads JSON.
    pub(super) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: &Value,
        repeat: Repeat,
    ) -> Result<T> {
        let answer = async {
            let response = self.send(repeat, || self.request(method.clone(), url.clone()).json(body)).await?;
            self.read(response).await
        };
        self.in_time(answer).await
    }

    /// What the registry may not make a command exceed.
    pub(super) fn ceilings(&self) -> &Ceilings {
        self.patience.ceilings()
    }

    /// Gets an answer whole, within the time that it may take.
    pub(super) async fn in_time<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        self.ceilings().in_time(&self.registry, answer).await
    }

    /// Sends or fetches archives, within the time that this may take.
    pub(super) async fn in_transfer_time<T>(&self, transfer: impl Future<Output = Result<T>>) -> Result<T> {
        self.ceilings().in_transfer_time(transfer).await
    }

    /// Reads the JSON of an answer, which may be as large as the registry's limits make it.
    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T> {
        let large = response.content_length().is_some_and(|bytes| bytes > answer::MAX_ANSWER as u64);
        let most = if large { self.limits().await.max_answer() } else { answer::MAX_ANSWER };
        answer::json_within(&self.registry, response, most).await
    }

    /// Sends a request whose answer says no more than that it was done.
    pub(super) async fn act(&self, method: Method, url: Url, body: Option<&Value>) -> Result<()> {
        let request = || {
            let request = self.request(method.clone(), url.clone());
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        let answer = async {
            let response = self.send(Repeat::Harmless, request).await?;
            if response.status().is_success() { Ok(()) } else { Err(answer::failure(&self.registry, response).await) }
        };
        self.in_time(answer).await
    }

    /// Sends a request, and again where that may help; the answer may still be a refusal.
    pub(super) async fn send(&self, repeat: Repeat, request: impl Fn() -> RequestBuilder) -> Result<Response> {
        let mut attempt = 0;
        loop {
            let last = attempt + 1 == retry::ATTEMPTS;
            match request().send().await {
                Ok(response) => match repeat.after_answer(response.status(), response.headers(), attempt) {
                    Some(wait) if !last && self.wait(wait, Some(response.status())).await => {}
                    _ => return Ok(response),
                },
                Err(error) if !last && repeat.after_error(&error) => {
                    if !self.wait(retry::backoff(attempt), None).await {
                        return Err(unreachable_registry(&self.registry, &error));
                    }
                }
                Err(error) => return Err(unreachable_registry(&self.registry, &error)),
            }
            attempt += 1;
        }
    }

    /// Waits before another try, after `answer` or none; `false` where the command has waited enough.
    pub(super) async fn wait(&self, wait: Duration, answer: Option<StatusCode>) -> bool {
        self.patience.wait(&self.registry, wait, retry::why(answer)).await
    }

    /// A request with the credential.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.authorised(self.http.request(method, url))
    }

    /// A request for the bytes of an archive, which may lie elsewhere.
    pub(super) fn download_request(&self, url: Url) -> RequestBuilder {
        self.authorised(self.downloads.request(Method::GET, url))
    }

    /// Adds the credential.
    pub(super) fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// The address of `path` under `/api/v1`. Segments must need no escaping,
    /// which names, versions, tags and ids never do.
    pub(super) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}/api/v1/{path}", self.registry)).expect("a registry's address takes any plain path")
    }

    /// The address of something of a package.
    pub(super) fn package_url(&self, name: &PackageName, rest: &str) -> Url {
        let slash = if rest.is_empty() { "" } else { "/" };
        self.url(&format!("packages/{name}{slash}{rest}"))
    }

    /// The address of something of a version.
    pub(super) fn version_url(&self, name: &PackageName, version: &Version, rest: &str) -> Url {
        let slash = if rest.is_empty() { "" } else { "/" };
        self.package_url(name, &format!("{version}{slash}{rest}"))
    }
}

/// Follows redirects within the registry's own origin: no password, token or
/// body of a request goes anywhere else. The answer that would lead elsewhere
/// is told as it is.
fn within_the_origin() -> Policy {
    Policy::custom(|attempt| {
        let elsewhere = attempt.previous().first().is_none_or(|first| first.origin() != attempt.url().origin());
        if elsewhere || attempt.previous().len() > REDIRECTS { attempt.stop() } else { attempt.follow() }
    })
}
