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
        description: "The version that a constraint or a dist-tag selects. Constraints are Cargo's (`^1.2`, `~1.2.3`, \
            `>=1.0,<2.0`, `*`), except that a full version without an operator means exactly that one. A yanked \
            version is selected only if `spec` is exactly that version; a pre-release only if the constraint names a \
            pre-release of the same release, or by a dist-tag.",
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
        description: "Chooses one version of every requested package and of everything that these need, so that \
            all constraints are met. If that is impossible, `details` say which versions demand what, and which \
            demands to relax. Only a few trees are resolved at a time, and two per address; further requests wait for \
            a short time and are then answered 429 or 503 with `Retry-After`.",
        request: RequestContent::json::<ResolveRequest>(),
        answers: &[Answer { status: 200, description: "The versions.", content: Content::json::<ResolutionAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::TagNotFound,
            ErrorCode::ResolutionConflict,
        ],
        works_read_only: true,
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

/// The requested packages, or an error with everything in the request that cannot be parsed.
fn selectors(request: ResolveRequest) -> Result<BTreeMap<PackageName, Selector>, Failure> {
    // Check the number first: otherwise the faults of a large body would be listed name by name.
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
