use jiff::Timestamp;
use serde_json::json;

use super::params::{PAGE, optional};
use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        call::Call,
        routing::{Access, Answer, Content, QueryParam, Route, Verb, handler, route},
        wire::{AuditPage, rules},
    },
    types::{AuditEvent, AuditFilter},
};

/// What `from` and `to` are.
const TIME: &str = "a time such as 2026-11-24T00:00:00Z";

/// What `event` is one of.
const EVENTS: &str = "the events this registry records";

/// The most entries of a page.
pub(in crate::http) const MAX_AUDIT_PAGE: u64 = 200;

const LIMIT: QueryParam = optional(
    "limit",
    "How many entries a page holds.",
    || json!({"type": "integer", "minimum": 1, "maximum": MAX_AUDIT_PAGE, "default": 50}),
);

const PAGE_ANSWER: &[Answer] =
    &[Answer { status: 200, description: "A page of entries.", content: Content::json::<AuditPage>() }];

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Audit",
        summary: "Read the audit log",
        description: "Newest first. For administrators and auditors, with the scope `admin`.",
        access: Access::Credential,
        query: &[
            optional("package", "Only of this package.", || json!({"type": "string", "pattern": rules::PACKAGE})),
            optional("event", "Only of this event.", events),
            optional("actor", "Only by this username.", || json!({"type": "string"})),
            optional("from", "Not before this time.", || json!({"type": "string", "format": "date-time"})),
            optional("to", "Before this time.", || json!({"type": "string", "format": "date-time"})),
            PAGE,
            LIMIT,
        ],
        answers: PAGE_ANSWER,
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
        ..route(Verb::Get, "/api/v1/audit-log", "getAuditLog", handler!(whole))
    },
    Route {
        tag: "Audit",
        summary: "Read the audit log of a package",
        description: "Newest first. For owners of the package, administrators and auditors, with the scope `admin`.",
        access: Access::Credential,
        query: &[optional("event", "Only of this event.", events), PAGE, LIMIT],
        answers: PAGE_ANSWER,
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::PackageNotFound],
        ..route(Verb::Get, "/api/v1/packages/{package}/audit-log", "getPackageAuditLog", handler!(of_package))
    },
];

fn events() -> serde_json::Value {
    let known: Vec<_> = AuditEvent::ALL.iter().map(|event| event.as_str()).collect();
    json!({"type": "string", "enum": known})
}

async fn whole(call: Call) -> Answered {
    let mut query = call.query().ignore_empty(&["actor"]);
    let filter = AuditFilter {
        package: query.parsed("package"),
        event: query.one_of("event", EVENTS, AuditEvent::parse),
        actor: query.text("actor").map(str::to_owned),
        from: query.read::<Timestamp>("from", TIME),
        to: query.read::<Timestamp>("to", TIME),
        page: query.page(50, MAX_AUDIT_PAGE),
    };
    query.check()?;
    let page = call.registry.audit_log(call.principal()?, &filter).await?;
    answer::read(&call, &AuditPage::from(page))
}

async fn of_package(call: Call) -> Answered {
    let package = call.package()?;
    let mut query = call.query();
    let event = query.one_of("event", EVENTS, AuditEvent::parse);
    let page = query.page(50, MAX_AUDIT_PAGE);
    query.check()?;
    let page = call.registry.package_audit_log(call.principal()?, &package, event, page).await?;
    answer::read(&call, &AuditPage::from(page))
}
