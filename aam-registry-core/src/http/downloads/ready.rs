use std::{
    fmt::{self, Write},
    ops::Range,
    sync::Arc,
};

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::{
    decide::Audience,
    decorate::LocationMark,
    http::{
        body::RegistryBody,
        cache_control::PRIVATE,
        entity_tag,
        failure::Failure,
        range::{Asked, asked_range},
        short_number, short_value,
    },
    registry::{DownloadTally, Registry},
    types::ArchiveLocation,
};

const X_CHECKSUM_SHA256: HeaderName = HeaderName::from_static("x-checksum-sha256");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const GZIP: HeaderValue = HeaderValue::from_static("application/gzip");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
/// For what everybody may have for ever.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// How many headers an answer has: those of an archive, the request id and the state of the client's
/// rate limit.
const HEADERS: usize = 14;

/// The prepared download of one version: the parts of its answer that stay the same as long as its
/// archive.
#[derive(Debug)]
pub(crate) struct ReadyDownload {
    pub(crate) location: ArchiveLocation,
    /// Decides how long it may be cached; `None` if it must not be.
    pub(super) mark: Option<LocationMark>,
    /// The viewers that the answer is for, and may be cached for.
    pub(super) audience: Audience,
    pub(crate) tally: Arc<DownloadTally>,
    entity_tag: Box<str>,
    /// The headers of the answer with the whole archive.
    headers: HeaderMap,
}

/// What a request needs of an archive.
pub(crate) enum Wanted {
    /// Nothing: the client has it.
    Unchanged,
    /// A range of its bytes, or all.
    Bytes(Option<Range<u64>>),
}

impl ReadyDownload {
    /// A prepared download for a location that `audience` may see, and that was read after `mark` was taken.
    pub(crate) fn new(
        registry: &Registry,
        location: ArchiveLocation,
        audience: Audience,
        mark: Option<LocationMark>,
    ) -> Self {
        let ArchiveLocation { sha256, size, .. } = &location;
        let entity_tag = format!("\"{sha256}\"").into_boxed_str();
        let mut values = Values(BytesMut::with_capacity(384));
        let mut headers = HeaderMap::with_capacity(HEADERS);
        headers.insert(header::CONTENT_TYPE, GZIP);
        let disposition = values.next(format_args!("attachment; filename=\"{}\"", location.file_name()));
        headers.insert(header::CONTENT_DISPOSITION, disposition);
        headers.insert(X_CHECKSUM_SHA256, values.next(format_args!("{sha256}")));
        // RFC 9530.
        headers.insert(REPR_DIGEST, values.next(format_args!("sha-256=:{}:", sha256.to_base64())));
        headers.insert(header::ETAG, values.next(format_args!("{entity_tag}")));
        headers.insert(header::ACCEPT_RANGES, BYTES);
        headers.insert(header::CACHE_CONTROL, cache_control(audience));
        headers.insert(header::CONTENT_LENGTH, values.next(format_args!("{size}")));
        Self { tally: registry.tally(&location), mark, audience, entity_tag, headers, location }
    }

    /// What a request with these headers needs.
    ///
    /// # Errors
    /// [`RangeNotSatisfiable`](crate::ErrorCode::RangeNotSatisfiable).
    pub(crate) fn wanted(&self, headers: &HeaderMap) -> Result<Wanted, Failure> {
        if entity_tag::none_match_names(headers, &self.entity_tag) {
            return Ok(Wanted::Unchanged);
        }
        let asked = asked_range(headers, self.location.size);
        if asked == Asked::Whole || !entity_tag::if_range_holds(headers, &self.entity_tag) {
            return Ok(Wanted::Bytes(None));
        }
        match asked {
            Asked::Part(range) => Ok(Wanted::Bytes(Some(range))),
            Asked::Unsatisfiable => Err(Failure::range_not_satisfiable(self.location.size)),
            Asked::Whole => Ok(Wanted::Bytes(None)),
        }
    }

    /// The answer for a client that has the archive.
    pub(crate) fn unchanged(&self) -> Response<RegistryBody> {
        let mut response = Response::new(RegistryBody::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(header::ETAG, self.headers[header::ETAG].clone());
        headers.insert(header::CACHE_CONTROL, cache_control(self.audience));
        response
    }

    /// The answer with the archive or a part of it; for `HEAD` with an empty body.
    pub(crate) fn archive(&self, part: Option<Range<u64>>, body: RegistryBody) -> Response<RegistryBody> {
        let mut response = Response::new(body);
        *response.headers_mut() = self.headers.clone();
        if let Some(range) = part {
            let (first, last, size) = (range.start, range.end - 1, self.location.size);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_LENGTH, short_number(range.end - range.start));
            headers.insert(header::CONTENT_RANGE, short_value(format_args!("bytes {first}-{last}/{size}")));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        response
    }
}

/// Which caches may keep an archive: one that not everybody may have is asked for anew, with a credential.
fn cache_control(audience: Audience) -> HeaderValue {
    match audience {
        Audience::Everyone => IMMUTABLE,
        Audience::Members | Audience::Private => PRIVATE,
    }
}

/// Header values in a single allocation.
struct Values(BytesMut);

impl Values {
    fn next(&mut self, text: fmt::Arguments<'_>) -> HeaderValue {
        self.0.write_fmt(text).expect("a buffer takes all");
        let value = HeaderValue::from_maybe_shared(self.0.split().freeze());
        value.expect("names, versions and digests are visible ASCII")
    }
}
