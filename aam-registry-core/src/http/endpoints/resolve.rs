use std::collections::BTreeMap;

use serde_json::json;

use super::params::optional;
use crate::{
    error::{Detail, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{ResolutionAnswer, ResolveRequest, ResolvedAnswer, rules},
    },
    registry::require_few,
    types::{PackageName, Selector},
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Packages",
        summary: "Resolve one version",
        description: "The version a constraint or a dist-tag stands for. Constraints are Cargo's (`^1.2`, `~1.2.3`, \
            `>=1.0,<2.0`, `*`), except that a full version without an operator means exactly that one. A yanked \
            version is found only where `spec` is that exact version; a pre-release only where the constraint names \
            one of the same release, or by a dist-tag.",
        query: &[optional(
            "spec",
            "A version constraint or a dist-tag; `latest` by default.",
            || json!({"type": "string", "pattern": rules::SELECTOR, "maxLength": rules::SELECTOR_LENGTH}),
        )],
        answers: &[Answer { status: 200, description: "The version.", content: Content::json::<ResolvedAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::TagNotFound,
        ],
        ..route(Verb::Get, "/api/v1/packages/{package}/resolve", "resolveVersion", handler!(resolve))
    },
    Route {
        tag: "Packages",
        summary: "Resolve a whole tree of dependencies",
        description: "One version of every package that is asked for and of everything those need, so that all \
            constraints hold. Where there is none, `details` name who demands what and what to relax. Few trees are \
            resolved at a time, and two for one address; more wait for a moment, then they are answered 429 or 503 \
            with `Retry-After`.",
        request: RequestContent::json::<ResolveRequest>(),
        answers: &[Answer { status: 200, description: "The versions.", content: Content::json::<ResolutionAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::TagNotFound,
            ErrorCode::ResolutionConflict,
        ],
        ..route(Verb::Post, "/api/v1/resolve", "resolveTree", handler!(resolve_tree, body))
    },
];

async fn resolve(call: Call) -> Answered {
    let package = call.package()?;
    let mut query = call.query().ignore_empty(&["spec"]);
    let selector = query.parsed::<Selector>("spec");
    query.check()?;
    let selector = selector.unwrap_or_else(|| Selector::Tag(crate::types::DistTag::latest()));
    let found = call.view()?.resolve(&package, &selector).await?;
    let download_url = call.edge.download_url(&package, &found.version);
    answer::read(&call, &ResolvedAnswer::new(&package, &found, download_url))
}

async fn resolve_tree(call: Call, body: RequestBody) -> Answered {
    let request: ResolveRequest = call.json(body).await?;
    let wanted = selectors(request)?;
    let resolved = call.view()?.resolve_tree(call.client_network(), &wanted).await?;
    let url = |name: &PackageName, one: &crate::types::VersionSummary| call.edge.download_url(name, &one.version);
    answer::written(http::StatusCode::OK, &ResolutionAnswer::new(&resolved, url))
}

/// What is wanted, or everything in it that cannot be read.
fn selectors(request: ResolveRequest) -> Result<BTreeMap<PackageName, Selector>, Failure> {
    // First, or what is wrong with a body of a mebibyte would be told name by name.
    require_few(request.dependencies.len())?;
    let mut wanted = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, selector) in request.dependencies {
        match (name.parse::<PackageName>(), selector.parse::<Selector>()) {
            (Ok(name), Ok(selector)) => {
                wanted.insert(name, selector);
            }
            (Err(error), _) | (_, Err(error)) => {
                faults.push(Detail::new(format!("dependencies.{name}"), error.to_string()));
            }
        }
    }
    if faults.is_empty() {
        Ok(wanted)
    } else {
        Err(Failure::invalid("Some of the dependencies cannot be read; see the details", faults))
    }
}
