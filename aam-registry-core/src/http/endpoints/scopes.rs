use http::StatusCode;

use super::accounts::username;
use crate::{
    error::{Detail, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{MemberAnswer, MemberRequest, ScopeAnswer, ScopePatch, ScopeRequest},
    },
    types::{AskedIn, ScopeName, ScopeRole},
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Owners and scopes",
        summary: "Make a scope",
        description: "The caller becomes its owner. An account makes at most `max_scopes_per_user` of the operation `limits` \
            beside the one of its name, administrators any number. Needs the scope `admin` of a token.",
        access: Access::Credential,
        request: RequestContent::json::<ScopeRequest>(),
        answers: &[Answer { status: 201, description: "The scope.", content: Content::json::<ScopeAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::QuotaExceeded,
            ErrorCode::NameReserved,
            ErrorCode::NameTooSimilar,
            ErrorCode::ScopeExists,
        ],
        ..route(Verb::Post, "/api/v1/scopes", "createScope", handler!(create, body))
    },
    Route {
        tag: "Owners and scopes",
        summary: "Show a scope",
        description: "A scope with its members, and who owns single packages in it.",
        answers: &[Answer { status: 200, description: "The scope.", content: Content::json::<ScopeAnswer>() }],
        errors: &[ErrorCode::ScopeNotFound],
        ..route(Verb::Get, "/api/v1/scopes/{scope}", "getScope", handler!(show))
    },
    Route {
        tag: "Owners and scopes",
        summary: "Set what a scope demands",
        description: "Whether everybody who changes something in the scope or its packages needs a second factor, with \
            API tokens too; trusted publishers need none. Who has none gets 403 `two_factor_required`. Needs an owner \
            who has a second factor, and the scope `admin` of a token.",
        access: Access::Credential,
        request: RequestContent::json::<ScopePatch>(),
        answers: &[Answer { status: 200, description: "The scope.", content: Content::json::<ScopeAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::TwoFactorRequired,
            ErrorCode::ScopeNotFound,
        ],
        ..route(Verb::Patch, "/api/v1/scopes/{scope}", "changeScope", handler!(change, body))
    },
    Route {
        tag: "Owners and scopes",
        summary: "Set a member of a scope",
        description: "Adds a user to a scope or changes the user's role. Owners may do everything; members publish, \
            yank and set dist-tags; contributors publish. Needs an owner and the scope `admin` of a token.",
        access: Access::Credential,
        request: RequestContent::json::<MemberRequest>(),
        answers: &[Answer { status: 200, description: "The member.", content: Content::json::<MemberAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::TwoFactorRequired,
            ErrorCode::QuotaExceeded,
            ErrorCode::ScopeNotFound,
            ErrorCode::UserNotFound,
            ErrorCode::LastOwner,
        ],
        ..route(Verb::Put, "/api/v1/scopes/{scope}/members/{username}", "setMember", handler!(set_member, body))
    },
    Route {
        tag: "Owners and scopes",
        summary: "Remove a member of a scope",
        description: "The last owner cannot be removed; members may remove themselves.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The user is no member.", content: Content::None }],
        errors: &[
            ErrorCode::Forbidden,
            ErrorCode::TwoFactorRequired,
            ErrorCode::ScopeNotFound,
            ErrorCode::UserNotFound,
            ErrorCode::LastOwner,
        ],
        ..route(Verb::Delete, "/api/v1/scopes/{scope}/members/{username}", "removeMember", handler!(remove_member))
    },
];

async fn create(call: Call, body: RequestBody) -> Answered {
    let request: ScopeRequest = call.json_of(AskedIn::Scope, body).await?;
    let name = request.name.parse()?;
    let scope = call.registry.create_scope(call.principal()?, &name).await?;
    answer::written(StatusCode::CREATED, &ScopeAnswer::new(scope, true))
}

async fn show(call: Call) -> Answered {
    let view = call.view()?;
    let scope = view.scope(&scope(&call)?).await?;
    let shows_policy = view.sees_policy_of(&scope);
    answer::read(&call, &ScopeAnswer::new(scope, shows_policy))
}

async fn change(call: Call, body: RequestBody) -> Answered {
    let (by, name) = (call.principal()?, scope(&call)?);
    let request: ScopePatch = call.json(body).await?;
    let require_2fa = request.require_2fa.ok_or_else(|| {
        let error = "give `require_2fa`: true or false";
        Failure::invalid("Nothing to change", vec![Detail::new("require_2fa", error)])
    })?;
    let scope = call.registry.set_scope_policy(by, &name, require_2fa).await?;
    answer::written(StatusCode::OK, &ScopeAnswer::new(scope, true))
}

async fn set_member(call: Call, body: RequestBody) -> Answered {
    let (scope, member) = (scope(&call)?, username(&call)?);
    let request: MemberRequest = call.json(body).await?;
    let role = ScopeRole::parse(&request.role).ok_or_else(|| {
        let error = format!("must be one of {}", ScopeRole::listed());
        Failure::invalid(format!("`role` {error}"), vec![Detail::new("role", error)])
    })?;
    call.registry.set_member(call.principal()?, &scope, &member, role).await?;
    let answer = MemberAnswer { scope: scope.to_string(), username: member.to_string(), role: role.as_str() };
    answer::written(StatusCode::OK, &answer)
}

async fn remove_member(call: Call) -> Answered {
    let (scope, member) = (scope(&call)?, username(&call)?);
    call.registry.remove_member(call.principal()?, &scope, &member).await?;
    Ok(answer::no_content())
}

/// The scope of the path. A malformed one counts as one that does not exist.
pub(super) fn scope(call: &Call) -> Result<ScopeName, Failure> {
    let text = call.param("scope").unwrap_or_default();
    let bare = text.strip_prefix('@').unwrap_or(&text);
    bare.parse().map_err(|_| {
        let shown: String = bare.chars().take(64).collect();
        Failure::new(ErrorCode::ScopeNotFound, format!("Scope @{shown} does not exist"))
    })
}
