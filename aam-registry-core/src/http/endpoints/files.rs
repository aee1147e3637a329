use http::HeaderValue;

use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        call::Call,
        routing::{Answer, Content, Route, Verb, handler, route},
        wire::FilesAnswer,
    },
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Contents",
        summary: "Read the README of a version",
        description: "As Markdown source.",
        answers: &[Answer { status: 200, description: "The README.", content: Content::Text(&["text/markdown"]) }],
        errors: &[ErrorCode::PackageNotFound, ErrorCode::VersionNotFound, ErrorCode::NotFound, ErrorCode::VersionGone],
        ..route(Verb::Get, "/api/v1/packages/{package}/{version}/readme", "getReadme", handler!(readme))
    },
    Route {
        tag: "Contents",
        summary: "List the files of a version",
        description: "The regular files of the archive with sizes and digests.",
        answers: &[Answer { status: 200, description: "The files.", content: Content::json::<FilesAnswer>() }],
        errors: &[ErrorCode::PackageNotFound, ErrorCode::VersionNotFound, ErrorCode::VersionGone],
        ..route(Verb::Get, "/api/v1/packages/{package}/{version}/files", "listFiles", handler!(list))
    },
];

async fn readme(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let readme = call.registry.readme(&package, &version).await?;
    let media_type = HeaderValue::from_static("text/markdown; charset=utf-8");
    Ok(answer::read_document(&call, readme.into(), media_type))
}

async fn list(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let files = call.registry.files(&package, &version).await?;
    answer::read(&call, &FilesAnswer::new(&package, &version, files))
}
