use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, HttpTransporter, raw::parse_content_range};
use opendal_http_transport_reqwest::ReqwestTransport;

use super::Patience;
use crate::outgoing::{Outgoing, OutgoingHeaders};

/// Sends the requests of OpenDAL, and refuses answers that OpenDAL would misinterpret.
pub(super) struct CheckedTransport {
    inner: ReqwestTransport,
    absence: Absence,
    headers: Option<Arc<dyn OutgoingHeaders>>,
}

/// Which 404 answers mean that the object does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// Only one with an S3 error in its body: a proxy whose store is unavailable answers 404 too.
    #[cfg(feature = "s3")]
    Xml,
    /// Every 404.
    #[cfg(any(feature = "gcs", feature = "azblob"))]
    Any,
}

impl CheckedTransport {
    /// A transport with its own connections.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(super) fn connect(
        outgoing: &Outgoing,
        patience: &Patience,
        absence: Absence,
    ) -> opendal::Result<HttpTransporter> {
        let client =
            outgoing.builder().connect_timeout(patience.connect).build().map_err(|error| {
                Error::new(ErrorKind::ConfigInvalid, "connections cannot be set up").set_source(error)
            })?;
        Ok(HttpTransporter::new(Self { inner: ReqwestTransport::new(client), absence, headers: outgoing.headers() }))
    }
}

impl HttpTransport for CheckedTransport {
    async fn fetch(&self, mut request: Request<Buffer>) -> opendal::Result<Response<HttpBody>> {
        // The signature of a request covers only headers that it names.
        if let Some(headers) = &self.headers {
            headers.add(request.headers_mut());
        }
        let range = request.headers().get(header::RANGE).cloned();
        let method = request.method().clone();
        let response = self.inner.fetch(request).await?;
        if method == Method::GET && response.status().is_success() {
            check_range(range.as_ref(), &response)?;
        }
        match self.absence {
            // The answer to a HEAD has no body to check.
            #[cfg(feature = "s3")]
            Absence::Xml if response.status() == StatusCode::NOT_FOUND && method != Method::HEAD => {
                check_absence(response).await
            }
            _ => Ok(response),
        }
    }
}

/// Refuses an answer with other bytes than requested: they would be appended to those received before
/// an interruption.
fn check_range(asked: Option<&HeaderValue>, response: &Response<HttpBody>) -> opendal::Result<()> {
    let partial = response.status() == StatusCode::PARTIAL_CONTENT;
    let as_asked = match asked {
        None => !partial,
        Some(asked) => {
            let sent = parse_content_range(response.headers())?.and_then(|range| range.range());
            partial && sent.is_some_and(|sent| Some(sent.start) == first_byte(asked))
        }
    };
    if as_asked {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unexpected, "the store sent other bytes than it was asked for").set_temporary())
}

/// The first byte of `bytes=5-9` or `bytes=5-`.
fn first_byte(range: &HeaderValue) -> Option<u64> {
    let (first, _) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    first.parse().ok()
}

#[cfg(feature = "s3")]
async fn check_absence(response: Response<HttpBody>) -> opendal::Result<Response<HttpBody>> {
    let (parts, mut body) = response.into_parts();
    let body = body.to_buffer().await?;
    if !String::from_utf8_lossy(&body.to_bytes()).contains("<Code>") {
        let error = Error::new(ErrorKind::Unexpected, "a 404 came from something that is no store");
        return Err(error.set_temporary());
    }
    let len = body.len() as u64;
    let chunk = futures_util::stream::iter([Ok(body)]);
    Ok(Response::from_parts(parts, HttpBody::new(chunk, Some(len))))
}
