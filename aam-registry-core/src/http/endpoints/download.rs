use std::{ops::Range, sync::Arc};

use http::{HeaderValue, Method, Response, StatusCode, Uri, header};

use crate::{
    decide::Audience,
    error::{Error, ErrorCode},
    http::{
        answer::Answered,
        body::RegistryBody,
        cache_control::NO_STORE,
        call::Call,
        downloads::{ReadyDownload, Wanted},
        failure::Failure,
        routing::{Answer, Content, Handler, Kind, Route, Verb, handler, route},
    },
    ports::{ArchiveContent, RateClass},
    types::{PackageName, Sha256Digest, Version},
};

/// Cached only briefly, since the redirect may point to a link that expires.
const REDIRECT_CACHE: HeaderValue = HeaderValue::from_static("private, max-age=60");

pub(super) const ROUTES: &[Route] = &[
    Route {
        summary: "Download an archive",
        description: "The `.aam` of a version, with its SHA-256 in `X-Checksum-SHA256` and `Repr-Digest` and as \
            `ETag`. A single byte `Range` is supported. Yanked versions can still \
            be downloaded. Archives never change: they are sent as `immutable` and may be cached for ever, so neither \
            a yank nor anything else removes an archive from caches outside the registry.",
        answers: &[
            WHOLE,
            PART,
            Answer { status: 302, description: "`Location` is the address of the archive.", content: Content::None },
            UNCHANGED,
        ],
        errors: &[
            ErrorCode::Forbidden,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::VersionGone,
            ErrorCode::RangeNotSatisfiable,
        ],
        ..transfer("/api/v1/packages/{package}/{version}/download", "downloadArchive", handler!(download))
    },
    Route {
        summary: "Download an archive by its digest",
        description: "The same for caches in front of the registry, such as a CDN: the path contains the digest \
            of the bytes. Never redirected, and never counted as a download.",
        answers: &[WHOLE, PART, UNCHANGED],
        errors: &[
            ErrorCode::Forbidden,
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
    Answer { status: 304, description: "`If-None-Match` contains the archive's entity tag.", content: Content::None };

const fn transfer(pattern: &'static str, id: &'static str, handler: Handler) -> Route {
    Route {
        tag: "Packages",
        class: Some(RateClass::Download),
        kind: Kind::Transfer,
        is_quiet: true,
        ..route(Verb::Get, pattern, id, handler)
    }
}

async fn download(call: Call) -> Answered {
    let view = call.view()?;
    let ready = match call.edge.downloads.get(call.path(), view.audience()) {
        Some(ready) => ready,
        None => find(&call).await?,
    };
    let part = match ready.wanted(&call.headers)? {
        Wanted::Unchanged => return Ok(ready.unchanged()),
        Wanted::Bytes(part) => part,
    };
    let counts = call.method == Method::GET;
    if let Some(uri) = view.redirect_archive(&ready.location, &call.method).await? {
        if counts {
            view.count_in(&ready.tally);
        }
        return Ok(found(&uri, view.audience_of(&ready.location)));
    }
    let from_start = part.as_ref().is_none_or(|range| range.start == 0);
    let response = archive(&call, &ready, part).await?;
    if counts && from_start {
        view.count_in(&ready.tally);
    } else if counts {
        view.note_read(&ready.tally);
    }
    Ok(response)
}

async fn download_by_digest(call: Call) -> Answered {
    let (package, version) = call.version()?;
    if call.edge.is_of_cdn(&call.headers) {
        return download_for_cdn(&call, &package, &version).await;
    }
    let view = call.view()?;
    let located = match call.parsed::<Sha256Digest>("sha256") {
        Some(sha256) => view.locate_digest(&package, &version, &sha256).await?,
        None => view.locate(&package, &version).await.map(|_| None)?,
    };
    let Some(location) = located else {
        let message = format!("Version {version} of {package} has no archive of that SHA-256");
        return Err(Error::NotFound(message).into());
    };
    let audience = view.audience_of(&location);
    let ready = ReadyDownload::new(&call.registry, location, audience, None);
    match ready.wanted(&call.headers)? {
        Wanted::Unchanged => Ok(ready.unchanged()),
        Wanted::Bytes(part) => {
            let response = archive(&call, &ready, part).await?;
            if call.method == Method::GET {
                view.note_read(&ready.tally);
            }
            Ok(response)
        }
    }
}

/// Sends an archive to a CDN, which keeps it for those with a signed URL. It is not counted: that was done when the
/// client was redirected.
async fn download_for_cdn(call: &Call, package: &PackageName, version: &Version) -> Answered {
    let located = match call.parsed::<Sha256Digest>("sha256") {
        Some(sha256) => call.registry.locate_for_cdn(package, version, &sha256).await?,
        None => None,
    };
    let Some(location) = located else { return Err(Error::version_not_found(package, version).into()) };
    let ready = ReadyDownload::new(&call.registry, location, Audience::Everyone, None);
    match ready.wanted(&call.headers)? {
        Wanted::Unchanged => Ok(ready.unchanged()),
        Wanted::Bytes(part) => archive(call, &ready, part).await,
    }
}

/// Finds the version of the path, and caches the prepared download.
async fn find(call: &Call) -> Result<Arc<ReadyDownload>, Failure> {
    let (package, version) = call.version()?;
    let (view, mark) = (call.view()?, call.edge.downloads.mark(&package));
    // What is ready of a private package is for those who may see it, which is asked each time.
    let ready = || call.edge.downloads.get(call.path(), Audience::Private);
    if let Some(ready) = Some(()).filter(|()| view.is_known_to_see(&package)).and_then(|()| ready()) {
        return Ok(ready);
    }
    let location = view.locate(&package, &version).await?;
    let usual = call.edge.download_path(&location.package, &location.version);
    let audience = view.audience_of(&location);
    let ready = Arc::new(ReadyDownload::new(&call.registry, location, audience, mark));
    call.edge.downloads.keep(call.path(), &usual, &ready);
    Ok(ready)
}

fn found(uri: &Uri, audience: Audience) -> Response<RegistryBody> {
    let mut response = Response::new(RegistryBody::empty());
    *response.status_mut() = StatusCode::FOUND;
    let location = HeaderValue::try_from(uri.to_string()).expect("an address is a header value");
    response.headers_mut().insert(header::LOCATION, location);
    // One that not everybody may follow is not kept: who may is asked each time.
    let kept = if audience == Audience::Everyone { REDIRECT_CACHE } else { NO_STORE };
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}

/// The answer with all headers; for `HEAD` without the body.
async fn archive(call: &Call, ready: &ReadyDownload, part: Option<Range<u64>>) -> Answered {
    let body = match call.method {
        Method::HEAD => RegistryBody::empty(),
        _ => open(call, ready, part.clone()).await?,
    };
    Ok(ready.archive(part, body))
}

/// The bytes of the archive, or of a part of it.
async fn open(call: &Call, ready: &ReadyDownload, part: Option<Range<u64>>) -> Result<RegistryBody, Failure> {
    let location = &ready.location;
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
    call.edge.downloads.count_bytes(len);
    Ok(body)
}
