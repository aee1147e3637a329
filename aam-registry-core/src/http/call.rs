use std::{borrow::Cow, str::FromStr, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    body::{RequestBody, Stalled, content_length},
    cache_control::{PRIVATE, PUBLIC},
    edge::Edge,
    failure::Failure,
    query::Query,
    routing::{Access, PathParams},
};
use crate::{
    decide::Audience,
    error::{Detail, Error, ErrorCode},
    registry::{Disclosure, Registry, View},
    types::{AskedIn, ClientAddress, ClientNetwork, PackageName, Principal, Version, Viewer, not_built},
};

/// The longest JSON body that is read, in bytes.
pub(super) const MAX_JSON: u64 = 1024 * 1024;

/// One request, as an endpoint sees it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) registry: Registry,
    pub(crate) edge: Arc<Edge>,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// The client's address; `None` if the host did not provide it.
    pub(crate) client: Option<ClientAddress>,
    uri: Uri,
    params: PathParams,
    viewer: Viewer,
    /// Whether what was read for the answer is for others, too.
    disclosure: Disclosure,
}

impl Call {
    pub(crate) fn new(
        registry: Registry,
        edge: Arc<Edge>,
        params: PathParams,
        client: Option<ClientAddress>,
        mut parts: Parts,
    ) -> Self {
        let viewer = parts.extensions.remove::<Principal>().into();
        let Parts { method, uri, headers, .. } = parts;
        Self { registry, edge, method, headers, client, uri, params, viewer, disclosure: Disclosure::default() }
    }

    /// The authenticated caller.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthorized`] if there is none.
    pub(crate) fn principal(&self) -> Result<&Principal, Failure> {
        self.viewer.principal().ok_or_else(|| {
            Failure::new(
                ErrorCode::Unauthorized,
                "This needs a credential; send `Authorization: Bearer` with an API token or the access token of a login",
            )
        })
    }

    /// What the client calls itself.
    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok())
    }

    /// The network of the client, if its address is known.
    pub(crate) fn client_network(&self) -> Option<ClientNetwork> {
        self.client.map(|client| client.0.into())
    }

    /// Requires that whoever calls may use a route of that access.
    pub(crate) fn admit(&self, access: Access) -> Result<(), Failure> {
        match access {
            Access::Open => Ok(()),
            Access::Read => self.view().map(drop),
            Access::Credential => self.principal().map(drop),
        }
    }

    /// The registry as whoever calls sees it.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthorized`] where only callers that are known may read.
    pub(crate) fn view(&self) -> Result<View<'_>, Failure> {
        Ok(self.registry.view_under(self.edge.read_access, &self.viewer)?.noting(&self.disclosure))
    }

    /// Whether the answer may show something of a private package.
    pub(crate) fn shows_private(&self) -> bool {
        self.disclosure.is_noted()
    }

    /// Which caches may keep a document that is made for this call.
    pub(crate) fn cache_control(&self) -> HeaderValue {
        match (self.edge.read_access.audience(), &self.viewer) {
            (Audience::Everyone, Viewer::Anonymous) => PUBLIC,
            _ => PRIVATE,
        }
    }

    /// The path of the request, including the prefix.
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    fn below_prefix(&self) -> &str {
        &self.uri.path()[self.edge.prefix.len()..]
    }

    /// The text of a path parameter; `None` where it is not UTF-8.
    pub(crate) fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.param(self.below_prefix(), name)
    }

    /// A path parameter as a domain type; `None` if it is malformed.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        self.param(name)?.parse().ok()
    }

    /// The package of the path. A malformed name counts as the name of a package that does not exist.
    pub(crate) fn package(&self) -> Result<PackageName, Failure> {
        self.params.package(self.below_prefix())
    }

    /// The package and version of the path. A malformed version counts as one that does not exist.
    pub(crate) fn version(&self) -> Result<(PackageName, Version), Failure> {
        let package = self.package()?;
        if let Some(version) = self.parsed("version") {
            return Ok((package, version));
        }
        let text: String = self.param("version").unwrap_or_default().chars().take(64).collect();
        Err(Error::version_not_found(&package, text).into())
    }

    pub(crate) fn query(&self) -> Query<'_> {
        Query::parse(self.uri.query())
    }

    /// Reads the body as JSON. Unknown fields are ignored.
    pub(crate) async fn json<T: DeserializeOwned>(&self, body: RequestBody) -> Result<T, Failure> {
        parsed(&self.json_bytes(body, b'{').await?)
    }

    /// Reads the body, which shall be a JSON array, as it was sent: somebody may have signed it.
    pub(crate) async fn json_list_as_sent(&self, body: RequestBody) -> Result<Bytes, Failure> {
        expect_body(&self.headers, "application/json")?;
        self.bytes(body).await
    }

    /// Reads the body as JSON, and refuses fields that ask for a feature that is not built.
    pub(crate) async fn json_of<T: DeserializeOwned>(
        &self,
        asked_in: AskedIn,
        body: RequestBody,
    ) -> Result<T, Failure> {
        let body = self.json_bytes(body, b'{').await?;
        let fields: Map<String, Value> = parsed(&body)?;
        let refused = |(name, value): (&String, &Value)| {
            not_built(asked_in, name, value).map(|refusal| Detail::new(&**name, refusal))
        };
        let details: Vec<_> = fields.iter().filter_map(refused).collect();
        match details.first() {
            None => parsed(&body),
            Some(first) => Err(Failure::invalid(format!("`{}`: {}", first.field, first.error), details)),
        }
    }

    /// The body, which has to begin with `first`.
    async fn json_bytes(&self, body: RequestBody, first: u8) -> Result<Bytes, Failure> {
        expect_body(&self.headers, "application/json")?;
        beginning_with(first, &self.bytes(body).await?)
    }

    async fn bytes(&self, mut body: RequestBody) -> Result<Bytes, Failure> {
        let too_large = || Failure::from(Error::PayloadTooLarge("A JSON body may have at most 1 MiB".to_owned()));
        if content_length(&self.headers).is_some_and(|len| len > MAX_JSON) {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                let broken_off = || Error::invalid_request("The request body broke off; send it again");
                Stalled::told(&*error).unwrap_or_else(broken_off)
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if (bytes.len() + data.len()) as u64 > MAX_JSON {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.freeze())
    }
}

/// Reads a JSON array.
pub(crate) fn list<T: DeserializeOwned>(body: &Bytes) -> Result<Vec<T>, Failure> {
    parsed(&beginning_with(b'[', body)?)
}

/// A JSON text without the mark that some editors put first; it has to begin with `first`.
fn beginning_with(first: u8, body: &Bytes) -> Result<Bytes, Failure> {
    // Some editors and shells put a byte order mark first; a parser may ignore it (RFC 8259, section 8.1).
    let mark = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let body = body.slice(mark..);
    // Serde would read an array as the fields in order, which the API does not allow.
    if body.trim_ascii_start().first() != Some(&first) {
        let kind = if first == b'{' { "object" } else { "array" };
        return Err(Error::invalid_request(format!("The request body must be a JSON {kind}")).into());
    }
    Ok(body)
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::from(Error::invalid_request(format!("The request body is not the JSON expected: {error}")))
    })
}

/// Refuses a body with another media type than `wanted`, and one with a content coding: the registry
/// decodes none, and an archive is compressed already.
///
/// # Errors
/// [`ErrorCode::UnsupportedMediaType`].
pub(crate) fn expect_body(headers: &HeaderMap, wanted: &str) -> Result<(), Failure> {
    let coding = headers.get_all(header::CONTENT_ENCODING).iter().find(|value| {
        let plain = value.as_bytes().trim_ascii();
        !plain.is_empty() && !plain.eq_ignore_ascii_case(b"identity")
    });
    if let Some(coding) = coding {
        return Err(Failure::unsupported_coding(&String::from_utf8_lossy(coding.as_bytes())));
    }
    if is_media_type(headers, wanted) { Ok(()) } else { Err(Failure::unsupported_media_type(wanted)) }
}

/// Whether the body has the media type `wanted`, whatever its parameters.
fn is_media_type(headers: &HeaderMap, wanted: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(wanted)
}
