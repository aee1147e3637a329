use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    params::{PAGE, optional},
    search::MAX_PAGE,
};
use crate::{
    error::{Detail, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{ApprovalRequest, ApprovalsAnswer, DecidedAnswer, WaitingPage},
    },
    types::ApprovalStatus,
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Approval",
        summary: "Approve or reject a version",
        description: "Where the registry requires approval, a new version is `pending`: only its publisher, the members \
            of its scope, its owners, approvers, administrators and auditors see it until it is approved. `latest` and the \
            dist-tag of the publish name it from then on; if that tag may not be set, `warnings` says why. Some dist-tags \
            name only versions that somebody approved (`tags_that_need_approval` of the operation `limits`): asked for \
            at the publish of a version that may be used at once, they wait for an approver alone. A rejected version \
            may be approved later; an approved one cannot be rejected, only the dist-tag that waits for it. Nobody decides about a version that they published themselves. For approvers and \
            administrators; needs the scope `approve`.",
        access: Access::Credential,
        request: RequestContent::json::<ApprovalRequest>(),
        answers: &[Answer {
            status: 201,
            description: "The decision is recorded.",
            content: Content::json::<DecidedAnswer>(),
        }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::VersionGone,
        ],
        ..route(Verb::Post, "/api/v1/packages/{package}/{version}/approve", "approveVersion", handler!(approve, body))
    },
    Route {
        tag: "Approval",
        summary: "Read the decisions about a version",
        description: "Oldest first.",
        answers: &[Answer { status: 200, description: "The decisions.", content: Content::json::<ApprovalsAnswer>() }],
        errors: &[ErrorCode::PackageNotFound, ErrorCode::VersionNotFound, ErrorCode::VersionGone],
        ..route(Verb::Get, "/api/v1/packages/{package}/{version}/approvals", "getApprovals", handler!(of_version))
    },
    Route {
        tag: "Approval",
        summary: "List the versions that wait for approval",
        description: "Oldest first. With those that wait come the versions that may be used already and whose dist-tag waits \
            (`tag`). For approvers, administrators and auditors; needs the scope `approve` or `admin`.",
        access: Access::Credential,
        query: &[
            optional(
                "state",
                "Those that wait, or those that were rejected.",
                || json!({"type": "string", "enum": ["pending", "rejected"], "default": "pending"}),
            ),
            PAGE,
            optional(
                "limit",
                "How many versions a page holds.",
                || json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 20}),
            ),
        ],
        answers: &[Answer { status: 200, description: "A page of versions.", content: Content::json::<WaitingPage>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
        ..route(Verb::Get, "/api/v1/approvals", "listApprovals", handler!(waiting))
    },
];

async fn approve(call: Call, body: RequestBody) -> Answered {
    let (package, version) = call.version()?;
    let request: ApprovalRequest = call.json(body).await?;
    let status = match request.status.as_deref() {
        None => ApprovalStatus::Approved,
        Some(text) => ApprovalStatus::parse(text)
            .filter(|status| *status != ApprovalStatus::Pending)
            .ok_or_else(|| invalid("status", "must be `approved` or `rejected`"))?,
    };
    let decided = call.registry.decide_approval(call.principal()?, &package, &version, status, request.comment).await?;
    let (version, decided) = decided;
    let answer = DecidedAnswer::new(&package, &version, decided);
    let mut response = answer::written(StatusCode::CREATED, &answer)?;
    let place = format!("{}/approvals", call.edge.version_url(&package, &version));
    let place = HeaderValue::try_from(place).expect("names and versions are visible ASCII");
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

async fn of_version(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let approvals = call.view()?.approvals(&package, &version).await?;
    answer::read(&call, &ApprovalsAnswer::new(&package, approvals))
}

async fn waiting(call: Call) -> Answered {
    let mut query = call.query().ignore_empty(&["state"]);
    let status = query.one_of("state", "`pending` and `rejected`", |text| {
        ApprovalStatus::parse(text).filter(|status| *status != ApprovalStatus::Approved)
    });
    let page = query.page(20, MAX_PAGE);
    query.check()?;
    let status = status.unwrap_or(ApprovalStatus::Pending);
    let page = call.registry.versions_by_approval(call.principal()?, status, page).await?;
    answer::read(&call, &WaitingPage::from(page))
}

/// The refusal of a body whose `field` is wrong.
fn invalid(field: &str, error: &str) -> Failure {
    Failure::invalid(format!("`{field}` {error}"), vec![Detail::new(field, error)])
}
