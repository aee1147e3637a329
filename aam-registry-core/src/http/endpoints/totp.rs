use http::StatusCode;

use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{EnrolledFactorAnswer, OtpRequest, RecoveryCodesAnswer},
    },
    ports::RateClass,
    registry::Guesser,
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Users",
        summary: "Begin to enroll a second factor",
        description: "One-time passwords that change with the time (RFC 6238: SHA-1, 6 digits, 30 seconds). Show the \
            `otpauth_uri` to an authenticator app as a QR code; logins need a code once one is confirmed. Needs the \
            scope `admin` and a token that is not restricted to packages.",
        access: Access::Credential,
        class: Some(RateClass::Auth),
        answers: &[Answer {
            status: 201,
            description: "The seed, told once.",
            content: Content::json::<EnrolledFactorAnswer>(),
        }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
        ..route(Verb::Post, "/api/v1/users/me/totp", "enrollTotp", handler!(enroll))
    },
    Route {
        tag: "Users",
        summary: "Confirm the second factor with a code",
        description: "From then on logins need a code. Each code works once, on all replicas. Wrong codes are limited \
            as the wrong passwords of logins.",
        access: Access::Credential,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<OtpRequest>(),
        answers: &[Answer {
            status: 200,
            description: "Recovery codes, told once: each stands in once for a code.",
            content: Content::json::<RecoveryCodesAnswer>(),
        }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::OtpInvalid, ErrorCode::Forbidden],
        ..route(Verb::Post, "/api/v1/users/me/totp/confirm", "confirmTotp", handler!(confirm, body))
    },
    Route {
        tag: "Users",
        summary: "Remove the second factor",
        description: "With a code of it, or a recovery code. Who has lost both asks the operator: `aam-registry user \
            reset-otp`.",
        access: Access::Credential,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<OtpRequest>(),
        answers: &[Answer { status: 204, description: "Logins need no code any more.", content: Content::None }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::OtpInvalid, ErrorCode::Forbidden],
        ..route(Verb::Post, "/api/v1/users/me/totp/disable", "disableTotp", handler!(disable, body))
    },
];

async fn enroll(call: Call) -> Answered {
    let server = &call.edge.server;
    let issuer = server.split("://").last().unwrap_or(server).trim_end_matches('/');
    let enrolled = call.registry.enroll_second_factor(call.principal()?, issuer).await?;
    answer::written(StatusCode::CREATED, &EnrolledFactorAnswer::from(enrolled))
}

async fn confirm(call: Call, body: RequestBody) -> Answered {
    let OtpRequest { otp } = call.json(body).await?;
    let (by, guesser) = (call.principal()?, Guesser::counted(call.client));
    let codes = call.registry.confirm_second_factor_as(guesser, by, &otp).await?;
    answer::written(StatusCode::OK, &RecoveryCodesAnswer::from(codes))
}

async fn disable(call: Call, body: RequestBody) -> Answered {
    let OtpRequest { otp } = call.json(body).await?;
    let (by, guesser) = (call.principal()?, Guesser::counted(call.client));
    call.registry.disable_second_factor_as(guesser, by, &otp).await?;
    Ok(answer::no_content())
}
