use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Detail, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::{self, Call},
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{NewTokenAnswer, ReportedToken, TokenRequest, TokensAnswer},
    },
    ports::{RateClass, ScannerSignature},
    registry::{self, LeakedToken, MAX_LEAKED_TOKENS},
    types::AskedIn,
};

/// The longest lifetime of a token, in days, that can be requested.
pub(in crate::http) const MAX_DAYS: u32 = 3650;

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Users",
        summary: "Make an API token",
        description: "The token is told once, in this answer. It never can do more than its user, and dies with its \
            user. One made with another token cannot do more than that, or for longer. An account has at most \
            `max_tokens_per_user` of the operation `limits` in force. Needs the scope `admin` and a token that is not \
            restricted to packages.",
        access: Access::Credential,
        request: RequestContent::json::<TokenRequest>(),
        answers: &[Answer { status: 201, description: "The token.", content: Content::json::<NewTokenAnswer>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::QuotaExceeded],
        ..route(Verb::Post, "/api/v1/users/tokens", "createToken", handler!(create, body))
    },
    Route {
        tag: "Users",
        summary: "List the caller's API tokens",
        description: "Never with their secrets. Needs the scope `admin` and a token that is not restricted to packages.",
        access: Access::Credential,
        answers: &[Answer { status: 200, description: "The tokens.", content: Content::json::<TokensAnswer>() }],
        errors: &[ErrorCode::Forbidden],
        ..route(Verb::Get, "/api/v1/users/tokens", "listTokens", handler!(list))
    },
    Route {
        tag: "Users",
        summary: "Revoke an API token",
        description: "At once. A token may revoke itself; for another it needs the scope `admin` and no restriction to \
            packages.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The token no longer works.", content: Content::None }],
        errors: &[ErrorCode::Forbidden, ErrorCode::TokenNotFound],
        works_read_only: true,
        ..route(Verb::Delete, "/api/v1/users/tokens/{id}", "revokeToken", handler!(revoke))
    },
    Route {
        tag: "Users",
        summary: "Report leaked API tokens",
        description: "In the form of GitHub's secret scanning. A token that is named, of a user or of a trusted \
            publisher, is revoked at once, and its user, or who added the publisher, told by mail; whoever has a token \
            may report it. The answer is the same for what is no token of this registry. At most 100 in one request. \
            Where the operator has named the keys of secret scanners, the report has to be signed: \
            `Github-Public-Key-Identifier` names the key, and `Github-Public-Key-Signature` is the ECDSA signature \
            (P-256, SHA-256, DER in base64) of the body as it is sent.",
        access: Access::Open,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<Vec<ReportedToken>>(),
        answers: &[Answer { status: 204, description: "The report was read.", content: Content::None }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::Overloaded],
        works_read_only: true,
        ..route(Verb::Post, "/api/v1/token-reports", "reportTokens", handler!(report, body))
    },
];

/// Which key a secret scanner has signed its report with, and the signature: the names of GitHub's program.
const SIGNING_KEY: &str = "github-public-key-identifier";
const SIGNATURE: &str = "github-public-key-signature";

async fn report(call: Call, body: RequestBody) -> Answered {
    let body = call.json_list_as_sent(body).await?;
    let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let signature = header(SIGNATURE).zip(header(SIGNING_KEY));
    let signature = signature.map(|(signature, key)| ScannerSignature { key, signature });
    call.registry.require_signed_report(&body, signature).await?;
    let reported: Vec<ReportedToken> = call::list(&body)?;
    if reported.len() > MAX_LEAKED_TOKENS {
        let message = format!("Report at most {MAX_LEAKED_TOKENS} tokens in one request");
        return Err(Failure::new(ErrorCode::InvalidRequest, message));
    }
    let leaked = reported.into_iter().map(|ReportedToken { token, url }| LeakedToken { token, url });
    let leaked: Vec<_> = leaked.collect();
    call.registry.report_leaked_tokens(&leaked, call.client.map(|client| client.0)).await?;
    Ok(answer::no_content())
}

async fn create(call: Call, body: RequestBody) -> Answered {
    let request: TokenRequest = call.json_of(AskedIn::Token, body).await?;
    let expires_at = expiry(&request, call.registry.now())?;
    let request = registry::TokenRequest {
        name: request.name,
        scopes: request.scopes,
        packages: request.packages.unwrap_or_default(),
        expires_at,
    };
    let (token, secret) = call.registry.create_token(call.principal()?, request).await?;
    answer::written(StatusCode::CREATED, &NewTokenAnswer::new(token, &secret))
}

fn expiry(request: &TokenRequest, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let fault = |field, error: &str| Failure::invalid(format!("`{field}` {error}"), vec![Detail::new(field, error)]);
    match (&request.expires_at, request.expires_in_days) {
        (Some(_), Some(_)) => Err(fault("expires_in_days", "cannot be given together with `expires_at`")),
        (None, None) => Ok(None),
        (Some(at), None) => match at.parse() {
            Ok(at) => Ok(Some(at)),
            Err(_) => Err(fault("expires_at", "must be a time such as `2027-01-31T12:00:00Z`")),
        },
        (None, Some(days)) if (1..=MAX_DAYS).contains(&days) => {
            Ok(Some(now + SignedDuration::from_hours(i64::from(days) * 24)))
        }
        (None, Some(_)) => Err(fault("expires_in_days", "must be from 1 to 3650")),
    }
}

async fn list(call: Call) -> Answered {
    let tokens = call.registry.tokens(call.principal()?).await?;
    answer::read(&call, &TokensAnswer::new(tokens, call.registry.now()))
}

async fn revoke(call: Call) -> Answered {
    let id = call.parsed("id").ok_or_else(|| {
        let text: String = call.param("id").unwrap_or_default().chars().take(64).collect();
        Failure::new(ErrorCode::TokenNotFound, format!("Token {text} does not exist"))
    })?;
    call.registry.revoke_token(call.principal()?, id).await?;
    Ok(answer::no_content())
}
