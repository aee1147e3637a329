use http::StatusCode;

use crate::{
    error::{Detail, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{VisibilityAnswer, VisibilityRequest},
    },
    types::Visibility,
};

pub(super) const ROUTES: &[Route] = &[Route {
    tag: "Owners and scopes",
    summary: "Make a package private or public",
    description: "A private package is shown to the members of its scope in any role, to its owners and to \
        administrators; for everybody else it does not exist. Only a package in a scope can be private. What was public \
        before may still be in caches outside the registry. For owners and administrators; needs the scope `admin`.",
    access: Access::Credential,
    request: RequestContent::json::<VisibilityRequest>(),
    answers: &[Answer {
        status: 200,
        description: "The package has that visibility.",
        content: Content::json::<VisibilityAnswer>(),
    }],
    errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::PackageNotFound],
    ..route(Verb::Put, "/api/v1/packages/{package}/visibility", "setVisibility", handler!(set, body))
}];

async fn set(call: Call, body: RequestBody) -> Answered {
    let package = call.package()?;
    let request: VisibilityRequest = call.json(body).await?;
    let visibility = Visibility::parse(&request.visibility).ok_or_else(unknown)?;
    call.registry.set_visibility(call.principal()?, &package, visibility).await?;
    let answer = VisibilityAnswer { package: package.to_string(), visibility: visibility.as_str() };
    answer::written(StatusCode::OK, &answer)
}

fn unknown() -> Failure {
    let error = "must be `public` or `private`";
    Failure::invalid(format!("`visibility` {error}"), vec![Detail::new("visibility", error)])
}
