use http::StatusCode;
use serde_json::json;

use super::params::optional;
use crate::{
    error::{Error, ErrorCode},
    http::{
        Failure,
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{DeprecatedAnswer, TextRequest, UnyankedAnswer, YankedAnswer},
    },
    types::{PackageName, Version, VersionText},
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
        tag: "Publishing",
        summary: "Yank a version",
        description: "No constraint or dist-tag resolves to a yanked version any more; a request for exactly this version \
            still works. `latest` moves to the next version; other dist-tags that named it are removed. Yanking a \
            yanked version changes nothing. Needs the scope `yank`.",
        access: Access::Credential,
        query: &[optional("reason", "The reason.", || json!({"type": "string", "maxLength": 512}))],
        answers: &[Answer {
            status: 200,
            description: "The version is yanked.",
            content: Content::json::<YankedAnswer>(),
        }],
        errors: ERRORS,
        ..route(Verb::Delete, "/api/v1/packages/{package}/{version}", "yankVersion", handler!(yank))
    },
    Route {
        tag: "Publishing",
        summary: "Take a yank back",
        description: "Dist-tags that the yank removed stay removed. Needs the scope `yank`.",
        access: Access::Credential,
        answers: &[Answer {
            status: 200,
            description: "The version is not yanked.",
            content: Content::json::<UnyankedAnswer>(),
        }],
        errors: ERRORS,
        ..route(Verb::Post, "/api/v1/packages/{package}/{version}/unyank", "unyankVersion", handler!(unyank))
    },
    Route {
        tag: "Publishing",
        summary: "Deprecate a version",
        description: "Sets a warning that clients show for the version. Needs the scope `yank`.",
        access: Access::Credential,
        request: RequestContent::json::<TextRequest>(),
        answers: &[Answer {
            status: 200,
            description: "The version has the warning.",
            content: Content::json::<DeprecatedAnswer>(),
        }],
        errors: ERRORS,
        ..route(
            Verb::Put,
            "/api/v1/packages/{package}/{version}/deprecation",
            "deprecateVersion",
            handler!(deprecate, body),
        )
    },
    Route {
        tag: "Publishing",
        summary: "Take a deprecation back",
        description: "Needs the scope `yank`.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The version has no warning.", content: Content::None }],
        errors: ERRORS,
        ..route(
            Verb::Delete,
            "/api/v1/packages/{package}/{version}/deprecation",
            "undeprecateVersion",
            handler!(undeprecate),
        )
    },
];

async fn yank(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let reason = call.query().ignore_empty(&["reason"]).text("reason").map(str::to_owned);
    let yanked = call.registry.yank(call.principal()?, &package, &version, reason).await?;
    answer::written(StatusCode::OK, &YankedAnswer::new(&package, yanked))
}

async fn unyank(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let unyanked = call.registry.unyank(call.principal()?, &package, &version).await?;
    answer::written(StatusCode::OK, &UnyankedAnswer::new(&package, &unyanked))
}

async fn deprecate(call: Call, body: RequestBody) -> Answered {
    let (package, version, message) = set_text(call, body, VersionText::Deprecation).await?;
    let answer = DeprecatedAnswer { name: package.to_string(), version: version.to_string(), deprecated: message };
    answer::written(StatusCode::OK, &answer)
}

async fn undeprecate(call: Call) -> Answered {
    remove_text(call, VersionText::Deprecation).await
}

/// Sets a text of the version; returns whose text it is and what it says.
async fn set_text(call: Call, body: RequestBody, text: VersionText) -> Result<(PackageName, Version, String), Failure> {
    let (package, version) = call.version()?;
    let request: TextRequest = call.json(body).await?;
    let message = request.message.trim().to_owned();
    if message.is_empty() {
        return Err(Error::invalid_request("`message` is empty; to remove the message, send DELETE").into());
    }
    call.registry.change_text(call.principal()?, &package, &version, text, Some(message.clone())).await?;
    Ok((package, version, message))
}

async fn remove_text(call: Call, text: VersionText) -> Answered {
    let (package, version) = call.version()?;
    call.registry.change_text(call.principal()?, &package, &version, text, None).await?;
    Ok(answer::no_content())
}
