use std::{borrow::Cow, str::FromStr, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Uri, header, request::Parts};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::{
    body::{RequestBody, Stalled, content_length},
    edge::Edge,
    failure::Failure,
    query::Query,
    routing::MatchedRoute,
};
use crate::{
    error::{Error, ErrorCode},
    layers::ClientAddress,
    registry::Registry,
    types::{ClientNetwork, PackageName, Principal, Version},
};

/// The longest JSON body that is read, in bytes.
const MAX_JSON: u64 = 1024 * 1024;

/// One request on its way to its endpoint.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) registry: Registry,
    pub(crate) edge: Arc<Edge>,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// Where the request comes from; `None` where nobody told the service.
    pub(crate) client: Option<ClientAddress>,
    uri: Uri,
    matched: MatchedRoute,
    principal: Option<Principal>,
}

impl Call {
    pub(crate) fn new(
        registry: Registry,
        edge: Arc<Edge>,
        matched: MatchedRoute,
        client: Option<ClientAddress>,
        mut parts: Parts,
    ) -> Self {
        let principal = parts.extensions.remove::<Principal>();
        let Parts { method, uri, headers, .. } = parts;
        Self { registry, edge, method, headers, client, uri, matched, principal }
    }

    /// Who calls.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthorized`] where that is not known.
    pub(crate) fn principal(&self) -> Result<&Principal, Failure> {
        self.principal.as_ref().ok_or_else(|| {
            Failure::new(
                ErrorCode::Unauthorized,
                "This needs a credential; send `Authorization: Bearer` with an API token or the access token of a login",
            )
        })
    }

    /// The network the call comes from, where that is known.
    pub(crate) fn client_network(&self) -> Option<ClientNetwork> {
        self.client.map(|client| client.0.into())
    }

    pub(crate) fn has_credential(&self) -> bool {
        self.principal.is_some()
    }

    /// The path as it was asked for, the prefix of the mount included.
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    fn below_prefix(&self) -> &str {
        &self.uri.path()[self.edge.prefix.len()..]
    }

    /// The text of a path parameter; `None` where it is not UTF-8.
    pub(crate) fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.matched.param(self.below_prefix(), name)
    }

    /// A path parameter in the words of the domain; `None` where it is malformed.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        self.param(name)?.parse().ok()
    }

    /// The package of the path. A malformed name is the name of no package.
    pub(crate) fn package(&self) -> Result<PackageName, Failure> {
        self.matched.package(self.below_prefix())
    }

    /// The package and version of the path. A malformed version is no version of any package.
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

    /// Reads the body as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, body: RequestBody) -> Result<T, Failure> {
        expect_body(&self.headers, "application/json")?;
        let body = self.bytes(body).await?;
        // Some editors and shells put a byte order mark first; a parser may ignore it (RFC 8259, section 8.1).
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
        // An array would be read as the fields in their order, which is nobody's contract.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::invalid_request("The request body must be a JSON object").into());
        }
        serde_json::from_slice(body).map_err(|error| {
            Failure::from(Error::invalid_request(format!("The request body is not the JSON expected: {error}")))
        })
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

/// Refuses a body of another media type than `wanted`, and one in a content
/// coding: none is undone here, and an archive is compressed already.
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

/// Whether the body is of the media type `wanted`, whatever its parameters.
fn is_media_type(headers: &HeaderMap, wanted: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(wanted)
}
