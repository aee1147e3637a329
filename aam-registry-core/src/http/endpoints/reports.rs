use http::StatusCode;
use serde_json::json;

use super::params::{PAGE, optional};
use crate::{
    error::{Detail, Error, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, QueryParam, RequestContent, Route, Verb, handler, route},
        wire::{NamedReportAnswer, ReportAnswer, ReportChangeRequest, ReportRequest, ReportsPage},
    },
    registry,
    types::{ModerationCategory, ReportFilter, ReportState},
};

/// The most reports of a page.
const MAX_PAGE: u64 = 200;

const LIMIT: QueryParam = optional(
    "limit",
    "How many reports a page holds.",
    || json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50}),
);

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Reports",
        summary: "Report a package",
        description: "Tells the moderators what is wrong with a package. For everybody with a login or a token. Its \
            owners do not see who reported it. At most 20 reports of one user are open at a time.",
        access: Access::Credential,
        request: RequestContent::json::<ReportRequest>(),
        answers: &[Answer { status: 201, description: "Reported.", content: Content::json::<ReportAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::QuotaExceeded,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
        ],
        ..route(Verb::Post, "/api/v1/packages/{package}/report", "reportPackage", handler!(report, body))
    },
    Route {
        tag: "Reports",
        summary: "List reports",
        description: "Newest first. For moderators and administrators, with the scope `moderate` or `admin`, and for \
            auditors, with the scope `admin`.",
        access: Access::Credential,
        query: &[optional("state", "Only those in this state.", states), PAGE, LIMIT],
        answers: &[Answer { status: 200, description: "A page of reports.", content: Content::json::<ReportsPage>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
        ..route(Verb::Get, "/api/v1/reports", "listReports", handler!(list))
    },
    Route {
        tag: "Reports",
        summary: "Close a report",
        description: "The reporter is told by mail. A report that is closed stays as it is. For moderators and \
            administrators, with the scope `moderate` or `admin`.",
        access: Access::Credential,
        request: RequestContent::json::<ReportChangeRequest>(),
        answers: &[Answer {
            status: 200,
            description: "The report is closed.",
            content: Content::json::<NamedReportAnswer>(),
        }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::NotFound],
        ..route(Verb::Patch, "/api/v1/reports/{id}", "closeReport", handler!(close, body))
    },
];

fn states() -> serde_json::Value {
    json!({"type": "string", "enum": ReportState::ALL.map(ReportState::as_str)})
}

async fn report(call: Call, body: RequestBody) -> Answered {
    let package = call.package()?;
    let request: ReportRequest = call.json(body).await?;
    let category = ModerationCategory::parse(&request.category).ok_or_else(|| {
        let known = ModerationCategory::ALL.map(ModerationCategory::as_str).join(", ");
        one_of("category", &known)
    })?;
    let version = request.version.map(|text| text.parse()).transpose()?;
    let request = registry::ReportRequest { version, category, text: request.text };
    let report = call.registry.report(call.principal()?, &package, request).await?;
    answer::written(StatusCode::CREATED, &ReportAnswer::from(report))
}

async fn list(call: Call) -> Answered {
    let mut query = call.query();
    let state = query.one_of("state", "`open` and `closed`", ReportState::parse);
    let filter = ReportFilter { state, page: query.page(50, MAX_PAGE) };
    query.check()?;
    let page = call.registry.reports(call.principal()?, &filter).await?;
    answer::read(&call, &ReportsPage::from(page))
}

async fn close(call: Call, body: RequestBody) -> Answered {
    let text = call.param("id").unwrap_or_default();
    let request: ReportChangeRequest = call.json(body).await?;
    if ReportState::parse(&request.state) != Some(ReportState::Closed) {
        return Err(one_of("state", ReportState::Closed.as_str()));
    }
    let missing = || Error::NotFound(format!("There is no report {}", text.chars().take(64).collect::<String>()));
    let id = text.parse().map_err(|_| missing())?;
    let closed = call.registry.close_report(call.principal()?, id, request.comment).await?;
    answer::written(StatusCode::OK, &NamedReportAnswer::from(closed))
}

fn one_of(field: &str, known: &str) -> Failure {
    let error = format!("must be one of {known}");
    Failure::invalid(format!("`{field}` {error}"), vec![Detail::new(field, error)])
}
