use std::ops::Range;

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};

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
        routing::{Answer, Content, Handler, Kind, Route, Verb, handler, route},
    },
    ports::{ArchiveContent, RateClass},
    types::{ArchiveLocation, Sha256Digest},
};

const X_CHECKSUM_SHA256: HeaderName = HeaderName::from_static("x-checksum-sha256");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A redirect may point to a link that expires.
const REDIRECT_CACHE: HeaderValue = HeaderValue::from_static("private, max-age=60");

pub(super) const ROUTES: &[Route] = &[
    Route {
        summary: "Download an archive",
        description: "The `.aam` of a version, with its SHA-256 in `X-Checksum-SHA256` and `Repr-Digest` and as \
            `ETag`. One `Range` of bytes may be asked for. Yanked versions stay downloadable. Archives never change: \
            they are sent as `immutable` and may be kept for ever. What was served so cannot be called back from \
            caches that are not the registry's own.",
        answers: &[
            WHOLE,
            PART,
            Answer { status: 302, description: "The archive lies where `Location` says.", content: Content::None },
            UNCHANGED,
        ],
        errors: &[
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::VersionGone,
            ErrorCode::RangeNotSatisfiable,
        ],
        ..transfer("/api/v1/packages/{package}/{version}/download", "downloadArchive", handler!(download))
    },
    Route {
        summary: "Download an archive by its digest",
        description: "The same for caches in front of the registry, such as a CDN: the path names the very bytes. \
            Always sent from here, never counted as a download.",
        answers: &[WHOLE, PART, UNCHANGED],
        errors: &[
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::NotFound,
            ErrorCode::VersionGone,
            ErrorCode::RangeNotSatisfiable,
        ],
        ..transfer(
            "/api/v1/packages/{package}/{version}/download/{sha256}",
            "downloadArchiveByDigest",
            handler!(download_by_digest),
        )
    },
];

const WHOLE: Answer =
    Answer { status: 200, description: "The whole archive.", content: Content::Bytes(&["application/gzip"]) };
const PART: Answer =
    Answer { status: 206, description: "The range asked for.", content: Content::Bytes(&["application/gzip"]) };
const UNCHANGED: Answer =
    Answer { status: 304, description: "The archive is the one `If-None-Match` names.", content: Content::None };

const fn transfer(pattern: &'static str, id: &'static str, handler: Handler) -> Route {
    Route {
        tag: "Packages",
        class: Some(RateClass::Download),
        kind: Kind::Transfer,
        ..route(Verb::Get, pattern, id, handler)
    }
}

async fn download(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let location = call.registry.locate(&package, &version).await?;
    let etag = etag(&location.sha256);
    let part = match wanted(&call, &location, &etag)? {
        Wanted::Nothing(response) => return Ok(response),
        Wanted::Bytes(part) => part,
    };
    let counts = call.method == Method::GET;
    if let Some(uri) = call.registry.redirect_archive(&location, &call.method).await? {
        if counts {
            call.registry.count_download(&location);
        }
        return Ok(found(&uri));
    }
    let from_start = part.as_ref().is_none_or(|range| range.start == 0);
    let response = archive(&call, &location, etag, part).await?;
    if counts && from_start {
        call.registry.count_download(&location);
    }
    Ok(response)
}

async fn download_by_digest(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let location = call.registry.locate(&package, &version).await?;
    if call.parsed::<Sha256Digest>("sha256") != Some(location.sha256) {
        let message = format!("Version {version} of {package} has no archive of that SHA-256");
        return Err(Error::NotFound(message).into());
    }
    let etag = etag(&location.sha256);
    match wanted(&call, &location, &etag)? {
        Wanted::Nothing(response) => Ok(response),
        Wanted::Bytes(part) => archive(&call, &location, etag, part).await,
    }
}

/// What a request wants of an archive.
enum Wanted {
    /// No bytes: it has them.
    Nothing(Response<RegistryBody>),
    /// A range of its bytes, or all.
    Bytes(Option<Range<u64>>),
}

fn wanted(call: &Call, location: &ArchiveLocation, etag: &str) -> Result<Wanted, Failure> {
    let size = location.size;
    if entity_tag::none_match_names(&call.headers, etag) {
        let mut response = Response::new(RegistryBody::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(header::ETAG, header_value(etag.to_owned()));
        response.headers_mut().insert(header::CACHE_CONTROL, IMMUTABLE);
        return Ok(Wanted::Nothing(response));
    }
    Ok(Wanted::Bytes(match asked_range(&call.headers, size) {
        Asked::Part(range) if entity_tag::if_range_holds(&call.headers, etag) => Some(range),
        Asked::Unsatisfiable if entity_tag::if_range_holds(&call.headers, etag) => {
            return Err(Failure::range_not_satisfiable(size));
        }
        _ => None,
    }))
}

fn found(uri: &Uri) -> Response<RegistryBody> {
    let mut response = Response::new(RegistryBody::empty());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(header::LOCATION, header_value(uri.to_string()));
    response.headers_mut().insert(header::CACHE_CONTROL, REDIRECT_CACHE);
    response
}

/// The bytes of the archive, or of a part of it.
async fn open(call: &Call, location: &ArchiveLocation, part: Option<Range<u64>>) -> Result<RegistryBody, Failure> {
    let len = part.as_ref().map_or(location.size, |range| range.end - range.start);
    let (body, actual) = match call.registry.open_archive(location, part).await? {
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
    metrics::download_bytes(len);
    Ok(body)
}

/// The answer with every header of the contract; for `HEAD` without the body.
async fn archive(call: &Call, location: &ArchiveLocation, etag: String, part: Option<Range<u64>>) -> Answered {
    let body = if call.method == Method::HEAD { None } else { Some(open(call, location, part.clone()).await?) };
    let size = location.size;
    let sha256 = &location.sha256;
    let mut response = Response::new(body.unwrap_or_default());
    let headers = response.headers_mut();
    headers.reserve(10);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(header::CONTENT_DISPOSITION, disposition(location));
    headers.insert(X_CHECKSUM_SHA256, header_value(sha256.to_string()));
    headers.insert(REPR_DIGEST, repr_digest(sha256));
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
    Ok(response)
}

fn etag(sha256: &Sha256Digest) -> String {
    format!("\"{sha256}\"")
}

fn disposition(location: &ArchiveLocation) -> HeaderValue {
    header_value(format!("attachment; filename=\"{}\"", location.file_name()))
}

/// RFC 9530.
fn repr_digest(sha256: &Sha256Digest) -> HeaderValue {
    header_value(format!("sha-256=:{}:", sha256.to_base64()))
}

fn header_value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("names, versions, digests and addresses are visible ASCII")
}
