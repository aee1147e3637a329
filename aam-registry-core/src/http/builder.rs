use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    downloads::ReadyDownloads,
    edge::{Edge, LazyDocument, MetricsRenderer},
    endpoints, openapi,
    readiness::Readiness,
    routing::RouteGroup,
    service::RegistryService,
    stack::{StackParts, default_stack},
};
use crate::{
    decide::ReadAccess,
    decorate::Freshness,
    http::{
        authenticators::{BearerAuthenticator, FirstRecognizing},
        layers::{ClientIpPolicy, TraceLink},
    },
    ports::Authenticator,
    registry::Registry,
    types::Sha256Digest,
};

/// Everything that is wrong with the settings of a [`RegistryService`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceBuildError {
    faults: Vec<String>,
}

impl fmt::Display for ServiceBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the registry service cannot be built: {}", self.faults.join("; "))
    }
}

impl std::error::Error for ServiceBuildError {}

/// The settings of a [`RegistryService`].
///
/// ```
/// use aam_registry_core::{http::RegistryService, memory, registry::Registry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry = Registry::builder()
/// #     .database(memory::MemoryMetadata::new())
/// #     .archives(memory::MemoryArchives::new())
/// #     .rate_limiter(memory::MemoryLimiter::unlimited())
/// #     .passwords(memory::InsecurePasswords)
/// #     .sessions(memory::MemorySessions::new())
/// #     .build()?;
/// let service = RegistryService::builder(registry)
///     .prefix("/registry")
///     .base_url("https://example.com/registry")
///     .cors(["https://app.example.com"])
///     .build()?;
/// # drop(service);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RegistryServiceBuilder {
    registry: Registry,
    authenticators: Vec<Arc<dyn Authenticator>>,
    without: Vec<RouteGroup>,
    read_access: ReadAccess,
    freshness: Option<Freshness>,
    prefix: String,
    base_url: Option<String>,
    client_ip: ClientIpPolicy,
    cors: Vec<String>,
    request_timeout: Duration,
    body_timeout: Duration,
    readiness: Readiness,
    metrics: Option<MetricsRenderer>,
    traces: Option<Arc<dyn TraceLink>>,
    cdn_secret: Option<Sha256Digest>,
}

impl RegistryService {
    /// The service with the default settings, at the root.
    ///
    /// # Panics
    /// Never: the default settings are valid.
    pub fn new(registry: Registry) -> Self {
        Self::builder(registry).build().expect("the default settings are valid")
    }

    /// A builder for a service with other settings.
    pub fn builder(registry: Registry) -> RegistryServiceBuilder {
        RegistryServiceBuilder::new(registry)
    }
}

impl RegistryServiceBuilder {
    fn new(registry: Registry) -> Self {
        Self {
            authenticators: vec![Arc::new(BearerAuthenticator::new(registry.clone()))],
            registry,
            without: Vec::new(),
            read_access: ReadAccess::default(),
            freshness: None,
            prefix: String::new(),
            base_url: None,
            client_ip: ClientIpPolicy::default(),
            cors: Vec::new(),
            request_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            readiness: Readiness::default(),
            metrics: None,
            traces: None,
            cdn_secret: None,
        }
    }

    /// Identifies callers with `authenticator` instead of the registry's own [`BearerAuthenticator`]:
    /// API tokens and the registry's logins are then not accepted.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticators = vec![Arc::new(authenticator)];
        self
    }

    /// Asks `authenticator` before the existing ones. The first authenticator that recognizes a
    /// request's credential decides: if it refuses the credential, the request is refused.
    #[must_use]
    pub fn authenticate_first(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticators.insert(0, Arc::new(authenticator));
        self
    }

    /// Leaves out the routes of these groups: their paths answer as if they did not exist, and they are
    /// not in the OpenAPI document. A host with its own accounts leaves out registration and login:
    ///
    /// ```
    /// use aam_registry_core::{
    ///     http::{RegistryService, RouteGroup},
    ///     memory,
    /// };
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = memory::registry().build()?;
    /// let service =
    ///     RegistryService::builder(registry).without([RouteGroup::Registration, RouteGroup::Login]).build()?;
    /// # drop(service);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn without(mut self, groups: impl IntoIterator<Item = RouteGroup>) -> Self {
        self.without.extend(groups);
        self
    }

    /// Lets fewer read than the policy of the registry does; where the policy is the
    /// stricter one, it stays. A host that demands a login of its own before the
    /// registry sees a request says [`BehindLogin`](ReadAccess::BehindLogin), so that
    /// no shared cache keeps an answer for those who did not log in:
    ///
    /// ```
    /// use aam_registry_core::{decide::ReadAccess, http::RegistryService, memory};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = memory::registry().build()?;
    /// let service = RegistryService::builder(registry).read_access(ReadAccess::BehindLogin).build()?;
    /// # drop(service);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn read_access(mut self, access: ReadAccess) -> Self {
        self.read_access = access;
        self
    }

    /// Caches finished answers as long as `freshness` says that their packages have not changed. It
    /// comes from the [cache](crate::decorate::CachedMetadata::freshness) in front of the registry's
    /// database. Without it, every answer is made anew.
    ///
    /// ```
    /// use aam_registry_core::{
    ///     decorate::CachedMetadata,
    ///     http::RegistryService,
    ///     memory::{self, MemoryMetadata},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let database = CachedMetadata::builder(MemoryMetadata::new()).start();
    /// let freshness = database.freshness();
    /// let registry = memory::registry().database(database).build()?;
    /// let service = RegistryService::builder(registry).freshness(freshness).build()?;
    /// # drop(service);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = Some(freshness);
        self
    }

    /// Mounts all routes below a path such as `/registry`; at the root by default.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the public address, such as `https://registry.example.com`. If it has a path, links use
    /// this path instead of the prefix, for proxies that strip it. Links never use `Host`.
    #[must_use]
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// Sets which proxies are trusted to name a client's address.
    #[must_use]
    pub fn client_ip(mut self, policy: ClientIpPolicy) -> Self {
        self.client_ip = policy;
        self
    }

    /// Allows web pages of these origins, such as `https://example.com`, to call the API from a
    /// browser; `*` allows all. None by default.
    #[must_use]
    pub fn cors(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.cors = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how long a request may take, except for the transfer of an archive; 30 s by default.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how long a client may take to send the next 16 KiB of a body, or its end, before the answer
    /// is [`Timeout`](crate::error::ErrorCode::Timeout); 30 s by default.
    #[must_use]
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Sets the state that `GET /ready` reports.
    #[must_use]
    pub fn readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// Puts a span around every request and connects it with the traces that the host collects:
    /// [`SPANS`](crate::ports::SPANS) says how a host collects them. Without it requests have no such spans.
    #[must_use]
    pub fn traces(mut self, link: impl TraceLink) -> Self {
        self.traces = Some(Arc::new(link));
        self
    }

    /// Sets the function that renders `GET /metrics`; without it the path does not exist.
    #[must_use]
    pub fn metrics(mut self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.metrics = Some(MetricsRenderer(Arc::new(render)));
        self
    }

    /// Lets whoever sends `secret` in the header `X-Cdn-Secret` download archives of private packages by their digest:
    /// a CDN that checks the signatures of its own URLs.
    #[must_use]
    pub fn cdn_secret(mut self, secret: &str) -> Self {
        self.cdn_secret = Some(Sha256Digest::of(secret.as_bytes()));
        self
    }

    /// Builds the service.
    ///
    /// # Errors
    /// [`ServiceBuildError`] names every setting that is not valid.
    pub fn build(self) -> Result<RegistryService, ServiceBuildError> {
        Ok(default_stack(&self.parts()?))
    }

    /// The parts of the service, for a host that arranges them in its own way.
    ///
    /// # Errors
    /// [`ServiceBuildError`] names every setting that is not valid.
    pub fn parts(self) -> Result<StackParts, ServiceBuildError> {
        let mut faults = Vec::new();
        let prefix = self.prefix.trim_end_matches('/').to_owned();
        if !is_prefix(&prefix) {
            faults.push(format!("the prefix `{}` is not a path such as `/registry`", self.prefix));
        }
        let link_prefix = match &self.base_url {
            None => prefix.clone(),
            Some(url) => base_path(url).unwrap_or_else(|| {
                faults.push(format!("the base URL `{url}` is not one such as `https://registry.example.com`"));
                String::new()
            }),
        };
        // A base URL without a path does not say where below the host the service is mounted.
        let link_prefix = if link_prefix.is_empty() { prefix.clone() } else { link_prefix };
        let cors = cors_layer(&self.cors, &mut faults);
        if !faults.is_empty() {
            return Err(ServiceBuildError { faults });
        }
        let read_access = self.read_access.max(self.registry.policy().read_access);
        let server = openapi_server(self.base_url.as_deref(), &link_prefix);
        let openapi = {
            let (without, prefix, server) = (self.without.clone(), link_prefix.clone(), server.clone());
            let document = move || openapi::document(endpoints::routes(&without), &server, &prefix, read_access);
            LazyDocument::new(Box::new(move || document().to_string().into()))
        };
        let edge = Edge {
            server,
            read_access,
            without: self.without,
            prefix,
            link_prefix,
            readiness: self.readiness,
            metrics: self.metrics,
            cdn_secret: self.cdn_secret,
            openapi,
            downloads: ReadyDownloads::new(self.freshness.clone()),
        };
        Ok(StackParts {
            registry: self.registry,
            authenticator: FirstRecognizing(self.authenticators),
            edge: Arc::new(edge),
            freshness: self.freshness,
            client_ip: self.client_ip,
            cors,
            request_timeout: self.request_timeout,
            body_timeout: self.body_timeout,
            traces: self.traces,
        })
    }
}

fn is_prefix(prefix: &str) -> bool {
    let of_paths = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
    prefix.is_empty() || (prefix.starts_with('/') && prefix.bytes().all(of_paths) && !prefix.contains("//"))
}

/// The path of a base URL, without a slash at the end.
fn base_path(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let known = matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
    let path = uri.path().trim_end_matches('/');
    (known && uri.host().is_some_and(|host| !host.is_empty()) && is_prefix(path)).then(|| path.to_owned())
}

/// The URL below which clients find the paths of the document.
fn openapi_server(base_url: Option<&str>, link_prefix: &str) -> String {
    let origin = base_url
        .and_then(|url| url.parse::<Uri>().ok())
        .and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
    match (origin, link_prefix) {
        (None, "") => "/".to_owned(),
        (None, path) => path.to_owned(),
        (Some(origin), path) => format!("{origin}{path}"),
    }
}

fn cors_layer(origins: &[String], faults: &mut Vec<String>) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        let mut values = Vec::new();
        for origin in origins {
            match HeaderValue::try_from(origin.as_str()) {
                Ok(value) if base_path(origin).is_some_and(|path| path.is_empty()) && !origin.ends_with('/') => {
                    values.push(value);
                }
                _ => faults.push(format!("`{origin}` is not an origin such as `https://example.com`")),
            }
        }
        AllowOrigin::list(values)
    };
    let headers = ["x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "x-checksum-sha256"];
    let exposed = headers.map(HeaderName::from_static).into_iter().chain([
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        header::CONTENT_RANGE,
        header::CONTENT_DISPOSITION,
    ]);
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_NONE_MATCH,
                header::IF_RANGE,
                header::RANGE,
            ])
            .expose_headers(exposed.collect::<Vec<_>>())
            .max_age(Duration::from_mins(10)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_follow_the_base_url() {
        assert_eq!(base_path("https://example.com/registry/"), Some("/registry".to_owned()));
        assert_eq!(base_path("https://example.com"), Some(String::new()));
        for bad in ["example.com", "ftp://example.com", "https://", "https://example.com/?a=b", ""] {
            assert_eq!(base_path(bad), None, "{bad}");
        }
        assert_eq!(openapi_server(Some("https://example.com/x"), "/x"), "https://example.com/x");
        assert_eq!(openapi_server(None, ""), "/");
    }

    #[test]
    fn every_bad_origin_is_told() {
        let mut faults = Vec::new();
        let origins = ["https://a.example", "https://a.example/", "a.example", "https://a.example/x"];
        let _ = cors_layer(&origins.map(str::to_owned), &mut faults);
        assert_eq!(faults.len(), 3);
    }
}
