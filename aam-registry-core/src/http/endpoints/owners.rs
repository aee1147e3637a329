use http::StatusCode;

use super::accounts::username;
use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        call::Call,
        routing::{Access, Answer, Content, Route, Verb, handler, route},
        wire::OwnersAnswer,
    },
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Owners and scopes",
        summary: "List the owners of a package",
        description: "The owners of a scoped package are the owners of its scope and those added to the package.",
        answers: &[Answer { status: 200, description: "The owners.", content: Content::json::<OwnersAnswer>() }],
        errors: &[ErrorCode::PackageNotFound],
        ..route(Verb::Get, "/api/v1/packages/{package}/owners", "listOwners", handler!(list))
    },
    Route {
        tag: "Owners and scopes",
        summary: "Add an owner",
        description: "Changes nothing if the user already is an owner. For owners and administrators; needs the scope \
            `admin`.",
        access: Access::Credential,
        answers: &[Answer {
            status: 200,
            description: "The new list of owners.",
            content: Content::json::<OwnersAnswer>(),
        }],
        errors: &[
            ErrorCode::Forbidden,
            ErrorCode::QuotaExceeded,
            ErrorCode::PackageNotFound,
            ErrorCode::UserNotFound,
            ErrorCode::LastOwner,
        ],
        ..route(Verb::Put, "/api/v1/packages/{package}/owners/{username}", "addOwner", handler!(add))
    },
    Route {
        tag: "Owners and scopes",
        summary: "Remove an owner",
        description: "The last owner cannot be removed. For owners and administrators; needs the scope `admin`.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The user is not an owner.", content: Content::None }],
        errors: &[ErrorCode::Forbidden, ErrorCode::PackageNotFound, ErrorCode::UserNotFound, ErrorCode::LastOwner],
        ..route(Verb::Delete, "/api/v1/packages/{package}/owners/{username}", "removeOwner", handler!(remove))
    },
];

async fn list(call: Call) -> Answered {
    let package = call.package()?;
    let owners = call.view()?.owners(&package).await?;
    answer::read(&call, &OwnersAnswer::new(&package, &owners))
}

async fn add(call: Call) -> Answered {
    let package = call.package()?;
    call.registry.add_owner(call.principal()?, &package, &username(&call)?).await?;
    let owners = call.view()?.owners(&package).await?;
    answer::written(StatusCode::OK, &OwnersAnswer::new(&package, &owners))
}

async fn remove(call: Call) -> Answered {
    let package = call.package()?;
    call.registry.remove_owner(call.principal()?, &package, &username(&call)?).await?;
    Ok(answer::no_content())
}
