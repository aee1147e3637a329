use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::params::optional;
use crate::{
    error::{Detail, ErrorCode},
    http::{
        Failure,
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{ModeratedAnswer, QuarantineRequest, RecallsAnswer},
    },
    types::ModerationCategory,
};

const ERRORS: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::Forbidden,
    ErrorCode::PackageNotFound,
    ErrorCode::VersionNotFound,
    ErrorCode::VersionGone,
];

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Moderation",
        summary: "Put a version into quarantine",
        description: "From now on only the owners of the package, moderators, administrators and auditors see the version, \
            and only moderators get what is in it; to everybody else it does not exist. `latest` moves, and other \
            dist-tags that named it are removed. It is told as a recall. A download that is being sent is sent to its \
            end, and caches outside the registry keep what they have. For moderators and administrators; needs the \
            scope `moderate`.",
        access: Access::Credential,
        request: RequestContent::json::<QuarantineRequest>(),
        answers: MODERATED,
        errors: ERRORS,
        ..route(
            Verb::Put,
            "/api/v1/packages/{package}/{version}/quarantine",
            "quarantineVersion",
            handler!(impose, body),
        )
    },
    Route {
        tag: "Moderation",
        summary: "Let a version out of quarantine",
        description: "Dist-tags that the quarantine removed stay removed; one that still waited for the version is set if it \
            may be, else `warnings` says why. A version that is in none stays as it is. For \
            moderators and administrators; needs the scope `moderate`.",
        access: Access::Credential,
        answers: MODERATED,
        errors: ERRORS,
        ..route(Verb::Delete, "/api/v1/packages/{package}/{version}/quarantine", "releaseVersion", handler!(release))
    },
    Route {
        tag: "Moderation",
        summary: "Remove a version from quarantine for good",
        description: "The version answers 410 from now on, its bytes are deleted within the hour, and its number is never \
            used again. This cannot be undone. For moderators and administrators; needs the scope `moderate`.",
        access: Access::Credential,
        answers: MODERATED,
        errors: ERRORS,
        ..route(Verb::Post, "/api/v1/packages/{package}/{version}/quarantine/final", "removeVersion", handler!(remove))
    },
    Route {
        tag: "Moderation",
        summary: "List recalls",
        description: "The versions that were put into quarantine, with why, and since when they are out of it again; in the \
            order in which that happened. Only of packages that the caller sees.",
        query: &[optional(
            "since",
            "Only what happened at this time or later.",
            || json!({"type": "string", "format": "date-time"}),
        )],
        answers: &[Answer { status: 200, description: "The recalls.", content: Content::json::<RecallsAnswer>() }],
        errors: &[ErrorCode::InvalidRequest],
        ..route(Verb::Get, "/api/v1/recalls", "listRecalls", handler!(recalls))
    },
];

const MODERATED: &[Answer] =
    &[Answer { status: 200, description: "Where the version stands.", content: Content::json::<ModeratedAnswer>() }];

async fn impose(call: Call, body: RequestBody) -> Answered {
    let (package, version) = call.version()?;
    let request: QuarantineRequest = call.json(body).await?;
    let category = ModerationCategory::parse(&request.category).ok_or_else(|| {
        let error = "must be one of `malware`, `secret`, `abuse`, `legal`, `other`";
        Failure::invalid(format!("`category` {error}"), vec![Detail::new("category", error)])
    })?;
    let by = call.principal()?;
    let done = call.registry.quarantine(by, &package, &version, category, &request.reason).await?;
    answer::written(StatusCode::OK, &ModeratedAnswer::new(&package, &done))
}

async fn release(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let done = call.registry.release(call.principal()?, &package, &version).await?;
    answer::written(StatusCode::OK, &ModeratedAnswer::new(&package, &done))
}

async fn remove(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let done = call.registry.remove_version(call.principal()?, &package, &version).await?;
    answer::written(StatusCode::OK, &ModeratedAnswer::new(&package, &done))
}

async fn recalls(call: Call) -> Answered {
    let mut query = call.query();
    let since = query.read::<Timestamp>("since", "a time such as 2026-11-24T00:00:00Z");
    query.check()?;
    let recalls = call.view()?.recalls(since).await?;
    answer::read(&call, &RecallsAnswer::from(recalls))
}
