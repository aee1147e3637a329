use std::{
    error, fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use super::{AllowedNetworks, NameResolver, OutgoingHeaders};

/// The longest look-up of a name that a proxy will look up again.
const LOOK_UP: Duration = Duration::from_secs(2);

/// Sends requests by HTTP/1.1, each on a connection of its own, to public addresses and those that are
/// allowed. Follows no redirect.
///
/// Without a proxy, a name is looked up once, its addresses are checked, and one that was checked is
/// connected to. With a proxy it is the proxy that connects, so the proxy has to refuse private networks.
/// Here an address in place of a name is still refused, and so is a name with no other addresses where
/// this machine can look it up.
#[derive(Clone, Debug)]
pub struct OutgoingClient {
    client: Client,
    guard: Guard,
    has_proxy: bool,
    timeout: Duration,
    headers: Option<Arc<dyn OutgoingHeaders>>,
}

/// An answer whose body has not been read.
#[derive(Debug)]
pub struct OutgoingAnswer {
    response: reqwest::Response,
    timeout: Duration,
}

/// Why there is no answer. The text holds no more of the address than its host.
#[derive(Debug)]
#[non_exhaustive]
pub enum OutgoingError {
    /// The request has no address that can be called.
    Address,
    /// Every address of the host is on a network that may not be called.
    Refused {
        /// The host.
        host: String,
    },
    /// There was no whole answer in time.
    Timeout(Duration),
    /// The answer is longer than the caller takes.
    TooLong {
        /// How many bytes the caller takes.
        limit: usize,
    },
    /// The connection, the proxy or the answer failed.
    Failed(String),
}

impl fmt::Display for OutgoingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the address cannot be parsed"),
            Self::Refused { host } => write!(f, "{host} is on a network that may not be called"),
            Self::Timeout(timeout) => write!(f, "no answer within {} seconds", timeout.as_secs()),
            Self::TooLong { limit } => write!(f, "the answer is longer than {limit} bytes"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl error::Error for OutgoingError {}

impl OutgoingClient {
    /// A client that `build` makes with a resolver that gives only addresses that may be called, and
    /// those of the host `proxy`.
    pub(super) fn new(
        allowed: AllowedNetworks,
        names: impl NameResolver,
        proxy: Option<String>,
        timeout: Duration,
        build: impl FnOnce(CheckedResolver) -> reqwest::Result<Client>,
    ) -> reqwest::Result<Self> {
        let guard = Guard { allowed, names: Arc::new(names) };
        let has_proxy = proxy.is_some();
        let client = build(CheckedResolver { guard: guard.clone(), proxy })?;
        Ok(Self { client, guard, has_proxy, timeout, headers: None })
    }

    /// The same, where every request has these headers too.
    pub(super) fn with_headers(mut self, headers: Option<Arc<dyn OutgoingHeaders>>) -> Self {
        self.headers = headers;
        self
    }

    /// Requests `url` with `GET`.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn get(&self, url: &str) -> Result<OutgoingAnswer, OutgoingError> {
        self.send(Request::get(url).body(Bytes::new()).map_err(|_| OutgoingError::Address)?).await
    }

    /// Sends a request. Every status is an answer.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, request: Request<Bytes>) -> Result<OutgoingAnswer, OutgoingError> {
        let mut request = reqwest::Request::try_from(request).map_err(|_| OutgoingError::Address)?;
        if let Some(headers) = &self.headers {
            headers.add(request.headers_mut());
        }
        self.check(&host(request.url())).await?;
        let response = self.client.execute(request).await.map_err(|error| self.reason(error))?;
        Ok(OutgoingAnswer { response, timeout: self.timeout })
    }

    /// Why nothing is sent to `url`, where the address alone tells: it cannot be parsed, or its host is an
    /// address (or `localhost`) that may not be called. Nothing is looked up.
    pub fn refuses(&self, url: &str) -> Option<OutgoingError> {
        let Ok(url) = Url::parse(url) else { return Some(OutgoingError::Address) };
        self.guard.refuses(&host(&url))
    }

    /// Refuses what no connection of this client will refuse later.
    async fn check(&self, host: &str) -> Result<(), OutgoingError> {
        let refused = || OutgoingError::Refused { host: host.to_owned() };
        // An address in place of a name is not resolved.
        if let Some(refused) = self.guard.refuses(host) {
            return Err(refused);
        }
        if !self.has_proxy || host.parse::<IpAddr>().is_ok() {
            return Ok(());
        }
        match tokio::time::timeout(LOOK_UP, self.guard.admitted(host)).await {
            Ok(Ok(admitted)) if admitted.is_empty() => Err(refused()),
            // Where only the proxy can look up names, it is the proxy that refuses them.
            _ => Ok(()),
        }
    }

    fn reason(&self, error: reqwest::Error) -> OutgoingError {
        reason(error, self.timeout)
    }
}

impl OutgoingAnswer {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The whole body, of at most `limit` bytes. Without this call it is not read, and the connection is
    /// closed.
    ///
    /// # Errors
    /// If it is longer, or does not arrive.
    pub async fn body(mut self, limit: usize) -> Result<Bytes, OutgoingError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.response.chunk().await.map_err(|error| reason(error, self.timeout))? {
            if body.len() + chunk.len() > limit {
                return Err(OutgoingError::TooLong { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// The host of an address, that of IPv6 without its brackets.
fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// Why there is no answer, with its causes.
fn reason(error: reqwest::Error, timeout: Duration) -> OutgoingError {
    if error.is_timeout() {
        return OutgoingError::Timeout(timeout);
    }
    // The path of an address may be a secret.
    let error = error.without_url();
    let chain = || std::iter::successors(Some(&error as &(dyn error::Error + 'static)), |error| error.source());
    if let Some(Refused(host)) = chain().find_map(|error| error.downcast_ref::<Refused>()) {
        return OutgoingError::Refused { host: host.clone() };
    }
    let mut texts: Vec<_> = chain().map(ToString::to_string).collect();
    texts.dedup();
    OutgoingError::Failed(texts.join(": "))
}

/// Looks names up, and says which of their addresses may be called.
#[derive(Clone, Debug)]
struct Guard {
    allowed: AllowedNetworks,
    names: Arc<dyn NameResolver>,
}

impl Guard {
    fn refuses(&self, host: &str) -> Option<OutgoingError> {
        (!self.allowed.may_include(host)).then(|| OutgoingError::Refused { host: host.to_owned() })
    }

    async fn admitted(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let found = self.names.look_up(name).await?.into_iter();
        Ok(found.filter(|address| self.allowed.admit(*address)).collect())
    }
}

/// A name without an address that may be called.
#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is on a network that may not be called", self.0)
    }
}

impl error::Error for Refused {}

/// Resolves names for the connections of a client.
#[derive(Clone, Debug)]
pub(super) struct CheckedResolver {
    guard: Guard,
    /// The host of the proxy, which the operator chose and which may be on any network.
    proxy: Option<String>,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { guard, proxy } = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let addresses = if proxy.is_some_and(|proxy| proxy.eq_ignore_ascii_case(name)) {
                guard.names.look_up(name).await?
            } else {
                guard.admitted(name).await?
            };
            if addresses.is_empty() {
                return Err(Refused(name.to_owned()).into());
            }
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
