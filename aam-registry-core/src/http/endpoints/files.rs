use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

use super::params::required;
use crate::{
    error::{Error, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RegistryBody,
        call::Call,
        entity_tag,
        failure::Failure,
        routing::{Answer, Content, Kind, Route, Verb, handler, route},
        wire::{DiffAnswer, FilesAnswer, rules},
    },
    ports::RateClass,
    registry::FileContent,
    types::Version,
};

const ERRORS: &[ErrorCode] = &[
    ErrorCode::Forbidden,
    ErrorCode::PackageNotFound,
    ErrorCode::VersionNotFound,
    ErrorCode::NotFound,
    ErrorCode::VersionGone,
];

/// Browsers must not run scripts from an archive with the registry's origin.
const SANDBOX: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Contents",
        summary: "Read the README of a version",
        description: "As Markdown source.",
        answers: &[Answer { status: 200, description: "The README.", content: Content::Text(&["text/markdown"]) }],
        errors: ERRORS,
        ..route(Verb::Get, "/api/v1/packages/{package}/{version}/readme", "getReadme", handler!(readme))
    },
    Route {
        tag: "Contents",
        summary: "List the files of a version",
        description: "The regular files of the archive with sizes and digests.",
        answers: &[Answer { status: 200, description: "The files.", content: Content::json::<FilesAnswer>() }],
        errors: &[ErrorCode::Forbidden, ErrorCode::PackageNotFound, ErrorCode::VersionNotFound, ErrorCode::VersionGone],
        ..route(Verb::Get, "/api/v1/packages/{package}/{version}/files", "listFiles", handler!(list))
    },
    Route {
        tag: "Contents",
        summary: "Read one file of a version",
        description: "Sent as text if it is UTF-8, else as bytes; never with a type that a browser executes. To read \
            many files, download the archive: this route has a lower limit of requests per minute.",
        class: Some(RateClass::Contents),
        kind: Kind::Transfer,
        answers: &[
            Answer {
                status: 200,
                description: "The file.",
                content: Content::Bytes(&["text/plain", "application/octet-stream"]),
            },
            Answer {
                status: 304,
                description: "`If-None-Match` contains the file's entity tag.",
                content: Content::None,
            },
        ],
        errors: ERRORS,
        ..route(Verb::Get, "/api/v1/packages/{package}/{version}/files/{path}", "getFile", handler!(file))
    },
    Route {
        tag: "Contents",
        summary: "Compare two versions",
        description: "Manifest keys and files that differ; for text files with unified diffs of at most 64 KiB each \
            and 1 MiB in total; longer ones are cut after a complete line and marked `truncated`. At most 1,000 keys of \
            the manifest are listed, with 256 KiB in total and 8 KiB per value, and at most 5,000 files. This route \
            has a lower limit of requests per minute.",
        class: Some(RateClass::Contents),
        query: &[
            required("from", "The version before.", version_schema),
            required("to", "The version after.", version_schema),
        ],
        answers: &[Answer { status: 200, description: "The differences.", content: Content::json::<DiffAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::VersionGone,
        ],
        ..route(Verb::Get, "/api/v1/packages/{package}/diff", "diffVersions", handler!(diff))
    },
];

fn version_schema() -> serde_json::Value {
    json!({"type": "string", "pattern": rules::VERSION, "maxLength": rules::VERSION_LENGTH})
}

async fn readme(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let readme = call.view()?.readme(&package, &version).await?;
    let media_type = HeaderValue::from_static("text/markdown; charset=utf-8");
    Ok(answer::read_document(&call, readme.into(), media_type))
}

async fn list(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let files = call.view()?.files(&package, &version).await?;
    answer::read(&call, &FilesAnswer::new(&package, &version, files))
}

async fn file(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let path = call.param("path").ok_or_else(|| {
        Failure::new(ErrorCode::NotFound, format!("Version {version} of {package} has no file whose path is not UTF-8"))
    })?;
    let listed = call.view()?.file(&package, &version, &path).await?;
    let etag = format!("\"{}\"", listed.file.sha256);
    let mut response = Response::new(RegistryBody::empty());
    if entity_tag::none_match_names(&call.headers, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let FileContent { file, mut stream } = call.view()?.open_file(listed, call.client_network()).await?;
        let first = stream.next().await.transpose();
        let first = first.map_err(|error| Error::storage(error, true))?.unwrap_or_default();
        let media_type =
            if is_text(&first, file.size) { "text/plain; charset=utf-8" } else { "application/octet-stream" };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(file.size));
        if call.method != Method::HEAD {
            let chunks = stream::iter((!first.is_empty()).then_some(Ok(first))).chain(stream);
            *response.body_mut() = RegistryBody::stream(chunks.boxed(), file.size);
        }
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(etag).expect("hex is a header value"));
    headers.insert(header::CACHE_CONTROL, call.cache_control());
    headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
    Ok(response)
}

/// Whether a file of `size` bytes that begins with `start` is text: UTF-8 without NUL.
fn is_text(start: &Bytes, size: u64) -> bool {
    let goes_on = (start.len() as u64) < size;
    let cut_short = |error: std::str::Utf8Error| goes_on && error.error_len().is_none();
    !start.contains(&0) && std::str::from_utf8(start).map_or_else(cut_short, |_| true)
}

async fn diff(call: Call) -> Answered {
    let package = call.package()?;
    let mut query = call.query();
    let (from, to) = (query.required::<Version>("from"), query.required::<Version>("to"));
    query.check()?;
    let (Some(from), Some(to)) = (from, to) else { return Err(Failure::internal("a query was checked in vain")) };
    let diff = call.view()?.diff(&package, &from, &to, call.client_network()).await?;
    answer::read(&call, &DiffAnswer::new(&package, &from, &to, &diff))
}
