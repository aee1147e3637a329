use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        call::Call,
        routing::{Access, Answer, Content, Route, Verb, handler, route},
        wire::SessionsAnswer,
    },
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Users",
        summary: "List the caller's login sessions",
        description: "Those that are valid: where and with which client each was opened, and when it was last used, \
            which may lag behind by two minutes. Needs the scope `admin` and a token that is not restricted to \
            packages.",
        access: Access::Credential,
        answers: &[Answer { status: 200, description: "The sessions.", content: Content::json::<SessionsAnswer>() }],
        errors: &[ErrorCode::Forbidden],
        ..route(Verb::Get, "/api/v1/users/me/sessions", "listSessions", handler!(list))
    },
    Route {
        tag: "Users",
        summary: "End one of the caller's login sessions",
        description: "Refused on every replica within a second. Needs the scope `admin` and a token that is not \
            restricted to packages.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The session is over.", content: Content::None }],
        errors: &[ErrorCode::Forbidden, ErrorCode::NotFound],
        works_read_only: true,
        ..route(Verb::Delete, "/api/v1/users/me/sessions/{id}", "endSession", handler!(end))
    },
    Route {
        tag: "Users",
        summary: "End all other login sessions of the caller",
        description: "The one whose access token is sent goes on; with an API token all of them end. API tokens go on: \
            list them and revoke those that are not known. Needs the scope `admin` and a token that is not restricted \
            to packages.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The other sessions are over.", content: Content::None }],
        errors: &[ErrorCode::Forbidden],
        works_read_only: true,
        ..route(Verb::Delete, "/api/v1/users/me/sessions", "endOtherSessions", handler!(end_others))
    },
];

async fn list(call: Call) -> Answered {
    let by = call.principal()?;
    let sessions = call.registry.login_sessions(by).await?;
    answer::read(&call, &SessionsAnswer::new(sessions, by))
}

async fn end(call: Call) -> Answered {
    let id = call.param("id").unwrap_or_default().into_owned();
    call.registry.end_session(call.principal()?, &id).await?;
    Ok(answer::no_content())
}

async fn end_others(call: Call) -> Answered {
    call.registry.end_other_sessions(call.principal()?).await?;
    Ok(answer::no_content())
}
