use std::ops::Range;

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::{
    error::{Error, ErrorCode},
    http::{
        answer::Answered,
        body::RegistryBody,
        call::Call,
        entity_tag,
        failure::Failure,
        metrics,
        range::{Asked, asked_range},
        routing::{Answer, Content, Kind, Route, Verb, handler, route},
    },
    ports::{ArchiveContent, RateClass},
    types::{ArchiveLocation, PackageName, Sha256Digest, Version},
};

const X_CHECKSUM_SHA256: HeaderName = HeaderName::from_static("x-checksum-sha256");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A redirect may point to a link that expires.
const REDIRECT_CACHE: HeaderValue = HeaderValue::from_static("private, max-age=60");

pub(super) const ROUTES: &[Route] = &[Route {
    tag: "Packages",
    summary: "Download an archive",
    description: "The `.aam` of a version, with its SHA-256 in `X-Checksum-SHA256` and `Repr-Digest` and as `ETag`. \
        One `Range` of bytes may be asked for. Yanked versions stay downloadable. Archives never change: they are \
        sent as `immutable` and may be kept for ever. What was served so cannot be called back from caches that are \
        not the registry's own.",
    class: Some(RateClass::Download),
    kind: Kind::Transfer,
    answers: &[
        Answer { status: 200, description: "The whole archive.", content: Content::Bytes(&["application/gzip"]) },
        Answer { status: 206, description: "The range asked for.", content: Content::Bytes(&["application/gzip"]) },
        Answer { status: 302, description: "The archive lies where `Location` says.", content: Content::None },
        Answer { status: 304, description: "The archive is the one `If-None-Match` names.", content: Content::None },
    ],
    errors: &[
        ErrorCode::PackageNotFound,
        ErrorCode::VersionNotFound,
        ErrorCode::VersionGone,
        ErrorCode::RangeNotSatisfiable,
    ],
    ..route(Verb::Get, "/api/v1/packages/{package}/{version}/download", "downloadArchive", handler!(download))
}];

async fn download(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let location = call.registry.locate(&package, &version).await?;
    let size = location.size;
    let sha256 = location.sha256.to_string();
    let etag = format!("\"{sha256}\"");

    if entity_tag::none_match_names(&call.headers, &etag) {
        let mut response = Response::new(RegistryBody::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(header::ETAG, header_value(etag));
        response.headers_mut().insert(header::CACHE_CONTROL, IMMUTABLE);
        return Ok(response);
    }
    let part = match asked_range(&call.headers, size) {
        Asked::Part(range) if entity_tag::if_range_holds(&call.headers, &etag) => Some(range),
        Asked::Unsatisfiable if entity_tag::if_range_holds(&call.headers, &etag) => {
            return Err(Failure::range_not_satisfiable(size));
        }
        _ => None,
    };
    let body = if call.method == Method::HEAD {
        None
    } else {
        match open(&call, &location, part.clone()).await? {
            Opened::Elsewhere(response) => return Ok(response),
            Opened::Here(body) => Some(body),
        }
    };
    Ok(archive(&location, &sha256, etag, part, body))
}

enum Opened {
    Elsewhere(Response<RegistryBody>),
    Here(RegistryBody),
}

/// Opens the archive, or a part of it, for a `GET`, and counts that.
async fn open(call: &Call, location: &ArchiveLocation, part: Option<Range<u64>>) -> Result<Opened, Failure> {
    let from_start = part.as_ref().is_none_or(|range| range.start == 0);
    let len = part.as_ref().map_or(location.size, |range| range.end - range.start);
    let (body, actual) = match call.registry.open_archive(location, part).await? {
        ArchiveContent::Redirect(uri) => {
            call.registry.count_download(location);
            let mut response = Response::new(RegistryBody::empty());
            *response.status_mut() = StatusCode::FOUND;
            response.headers_mut().insert(header::LOCATION, header_value(uri.to_string()));
            response.headers_mut().insert(header::CACHE_CONTROL, REDIRECT_CACHE);
            return Ok(Opened::Elsewhere(response));
        }
        ArchiveContent::Bytes(bytes) => {
            let actual = bytes.len() as u64;
            (RegistryBody::from(bytes), actual)
        }
        ArchiveContent::File { file, len } => (RegistryBody::file(file, len), len),
        ArchiveContent::Stream { stream, len } => (RegistryBody::stream(stream, len), len),
    };
    if actual != len {
        return Err(Error::storage(format!("archive {} has {actual} bytes for {len}", location.archive), false).into());
    }
    if from_start {
        call.registry.count_download(location);
    }
    metrics::download_bytes(len);
    Ok(Opened::Here(body))
}

/// The answer with every header of the contract; for `HEAD` without the body.
fn archive(
    location: &ArchiveLocation,
    sha256: &str,
    etag: String,
    part: Option<Range<u64>>,
    body: Option<RegistryBody>,
) -> Response<RegistryBody> {
    let size = location.size;
    let mut response = Response::new(body.unwrap_or_default());
    let headers = response.headers_mut();
    headers.reserve(10);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(header::CONTENT_DISPOSITION, disposition(&location.package, &location.version));
    headers.insert(X_CHECKSUM_SHA256, header_value(sha256.to_owned()));
    headers.insert(REPR_DIGEST, repr_digest(&location.sha256));
    headers.insert(header::ETAG, header_value(etag));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, IMMUTABLE);
    let len = part.as_ref().map_or(size, |range| range.end - range.start);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    if let Some(range) = part {
        let content_range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        headers.insert(header::CONTENT_RANGE, header_value(content_range));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

fn disposition(package: &PackageName, version: &Version) -> HeaderValue {
    header_value(format!("attachment; filename=\"{}-{version}.aam\"", package.bare()))
}

/// RFC 9530.
fn repr_digest(sha256: &Sha256Digest) -> HeaderValue {
    header_value(format!("sha-256=:{}:", sha256.to_base64()))
}

fn header_value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("names, versions, digests and addresses are visible ASCII")
}
