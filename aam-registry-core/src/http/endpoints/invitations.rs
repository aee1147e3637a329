use http::StatusCode;

use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{InvitationRequest, InvitationsAnswer, NewInvitationAnswer},
    },
    registry,
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Users",
        summary: "Invite somebody",
        description: "Makes a token with which one account is made within a week (`invitation` of a registration), \
            whoever has it, or whoever registers with `email`. With mail, the link is also sent there. For \
            administrators, with the scope `admin`.",
        access: Access::Credential,
        request: RequestContent::json::<InvitationRequest>(),
        answers: &[Answer {
            status: 201,
            description: "The invitation.",
            content: Content::json::<NewInvitationAnswer>(),
        }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::ScopeNotFound],
        ..route(Verb::Post, "/api/v1/invitations", "createInvitation", handler!(create, body))
    },
    Route {
        tag: "Users",
        summary: "List open invitations",
        description: "Those that were neither used nor revoked and have not expired. For administrators, with the \
            scope `admin`.",
        access: Access::Credential,
        answers: &[Answer {
            status: 200,
            description: "The invitations.",
            content: Content::json::<InvitationsAnswer>(),
        }],
        errors: &[ErrorCode::Forbidden],
        ..route(Verb::Get, "/api/v1/invitations", "listInvitations", handler!(list))
    },
    Route {
        tag: "Users",
        summary: "Revoke an invitation",
        description: "For administrators, with the scope `admin`.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The invitation no longer works.", content: Content::None }],
        errors: &[ErrorCode::Forbidden, ErrorCode::NotFound],
        ..route(Verb::Delete, "/api/v1/invitations/{id}", "revokeInvitation", handler!(revoke))
    },
];

async fn create(call: Call, body: RequestBody) -> Answered {
    let InvitationRequest { email, roles, scopes } = call.json(body).await?;
    let request =
        registry::InvitationRequest { email, roles: roles.unwrap_or_default(), scopes: scopes.unwrap_or_default() };
    let made = call.registry.invite(call.principal()?, &request).await?;
    answer::written(StatusCode::CREATED, &NewInvitationAnswer::new(made, &call.edge.server))
}

async fn list(call: Call) -> Answered {
    let invitations = call.registry.invitations(call.principal()?).await?;
    answer::read(&call, &InvitationsAnswer::from(invitations))
}

async fn revoke(call: Call) -> Answered {
    let id = call.parsed("id").ok_or_else(|| {
        let text: String = call.param("id").unwrap_or_default().chars().take(64).collect();
        Failure::new(ErrorCode::NotFound, format!("There is no invitation {text}"))
    })?;
    call.registry.revoke_invitation(call.principal()?, id).await?;
    Ok(answer::no_content())
}
