use http::StatusCode;

use crate::{
    error::{Error, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{TagAnswer, TagRequest, TagsAnswer},
    },
    types::DistTag,
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Dist-tags",
        summary: "List the dist-tags of a package",
        is_kept: true,
        description: "Dist-tags are names of versions and can be moved. The registry sets `latest` itself: to the \
            highest version that is neither a pre-release nor yanked; if there is none, to the highest pre-release.",
        answers: &[Answer { status: 200, description: "The dist-tags.", content: Content::json::<TagsAnswer>() }],
        errors: &[ErrorCode::PackageNotFound],
        ..route(Verb::Get, "/api/v1/packages/{package}/tags", "listTags", handler!(list))
    },
    Route {
        tag: "Dist-tags",
        summary: "Set a dist-tag",
        description: "Points a dist-tag at a published version. If you set `latest`, it stays until a publish, \
            yank or unyank makes a higher version available. A package may have as many others as \
            `max_tags_per_package` of the operation `limits`. One with a gate names only versions that have passed \
            its evals, and one that `tags_that_need_approval` covers only versions that an approver has approved; \
            `allowed_tags` may allow no others. Needs the scope `tag` or `publish`.",
        access: Access::Credential,
        request: RequestContent::json::<TagRequest>(),
        answers: &[Answer {
            status: 200,
            description: "The dist-tag names the version.",
            content: Content::json::<TagAnswer>(),
        }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidTag,
            ErrorCode::GateFailed,
            ErrorCode::Forbidden,
            ErrorCode::TagNotAllowed,
            ErrorCode::QuotaExceeded,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::VersionGone,
        ],
        ..route(Verb::Put, "/api/v1/packages/{package}/tags/{tag}", "setTag", handler!(set, body))
    },
    Route {
        tag: "Dist-tags",
        summary: "Remove a dist-tag",
        description: "`latest` cannot be removed. Needs the scope `tag` or `publish`.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The dist-tag is gone.", content: Content::None }],
        errors: &[ErrorCode::InvalidTag, ErrorCode::Forbidden, ErrorCode::PackageNotFound, ErrorCode::TagNotFound],
        ..route(Verb::Delete, "/api/v1/packages/{package}/tags/{tag}", "removeTag", handler!(remove))
    },
];

async fn list(call: Call) -> Answered {
    let package = call.package()?;
    let tags = call.view()?.tags(&package).await?;
    answer::read(&call, &TagsAnswer::new(&package, &tags))
}

async fn set(call: Call, body: RequestBody) -> Answered {
    let package = call.package()?;
    let tag = tag(&call)?;
    let request: TagRequest = call.json(body).await?;
    let version = request.version.parse()?;
    let version = call.registry.set_tag(call.principal()?, &package, &tag, &version).await?;
    let answer = TagAnswer { package: package.to_string(), tag: tag.to_string(), version: version.to_string() };
    answer::written(StatusCode::OK, &answer)
}

async fn remove(call: Call) -> Answered {
    let package = call.package()?;
    let tag = tag(&call)?;
    call.registry.remove_tag(call.principal()?, &package, &tag).await?;
    Ok(answer::no_content())
}

fn tag(call: &Call) -> Result<DistTag, Failure> {
    let text = call.param("tag").unwrap_or_default();
    text.parse().map_err(|error: crate::error::InvalidName| Error::InvalidTag(error.to_string()).into())
}
