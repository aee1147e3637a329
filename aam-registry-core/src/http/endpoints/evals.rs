use http::StatusCode;

use crate::{
    error::{Detail, ErrorCode, InvalidName},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{EvalRequest, EvalRow, EvalsAnswer, GatesAnswer, GatesRequest},
    },
    registry::NewEvalResult,
    types::{EvalStatus, Gates},
};

const EVALS: &str = "/api/v1/packages/{package}/{version}/eval-results";
const GATES: &str = "/api/v1/packages/{package}/gates";

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Evals",
        summary: "Record the result of an eval",
        description: "Says how a version did in what its owners test it with. The last result of each eval counts; a \
            version has results of at most 50 evals. For owners, with the scope `publish`.",
        access: Access::Credential,
        request: RequestContent::json::<EvalRequest>(),
        answers: &[Answer { status: 201, description: "Recorded.", content: Content::json::<EvalRow>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::QuotaExceeded,
            ErrorCode::PackageNotFound,
            ErrorCode::VersionNotFound,
            ErrorCode::VersionGone,
        ],
        ..route(Verb::Post, EVALS, "recordEval", handler!(record, body))
    },
    Route {
        tag: "Evals",
        summary: "List the results of evals",
        description: "The last result of each eval of the version, by name.",
        is_kept: true,
        answers: &[Answer { status: 200, description: "The results.", content: Content::json::<EvalsAnswer>() }],
        errors: &[ErrorCode::PackageNotFound, ErrorCode::VersionNotFound, ErrorCode::VersionGone],
        ..route(Verb::Get, EVALS, "listEvals", handler!(list))
    },
    Route {
        tag: "Evals",
        summary: "Set the gates of dist-tags",
        description: "A dist-tag with a gate may name only versions that have passed the evals of the gate: whoever \
            sets it, and by a publish as well, which therefore cannot set it unless the tag waits for an approver. What a tag names already stays. `latest` \
            has no gate, since the registry moves it. For owners and administrators; needs the scope `admin`.",
        access: Access::Credential,
        request: RequestContent::json::<GatesRequest>(),
        answers: &[Answer { status: 200, description: "The gates.", content: Content::json::<GatesAnswer>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::PackageNotFound],
        ..route(Verb::Put, GATES, "setGates", handler!(set_gates, body))
    },
    Route {
        tag: "Evals",
        summary: "List the gates of dist-tags",
        description: "By dist-tag, the evals that a version has to pass before the tag may name it.",
        answers: &[Answer { status: 200, description: "The gates.", content: Content::json::<GatesAnswer>() }],
        errors: &[ErrorCode::PackageNotFound],
        ..route(Verb::Get, GATES, "listGates", handler!(gates))
    },
];

async fn record(call: Call, body: RequestBody) -> Answered {
    let (package, version) = call.version()?;
    let request: EvalRequest = call.json(body).await?;
    let mut faults = Vec::new();
    let name = request.eval_name.parse().map_err(|error: InvalidName| Detail::new("eval_name", error.to_string()));
    let name = name.map_err(|fault| faults.push(fault)).ok();
    let status = EvalStatus::parse(&request.status);
    if status.is_none() {
        let known = EvalStatus::ALL.map(EvalStatus::as_str).join(", ");
        faults.push(Detail::new("status", format!("must be one of {known}")));
    }
    let run_at = request.run_at.parse().ok();
    if run_at.is_none() {
        faults.push(Detail::new("run_at", "must be a time such as 2026-11-24T00:00:00Z"));
    }
    let (Some(name), Some(status), Some(run_at)) = (name, status, run_at) else {
        return Err(Failure::invalid("The result cannot be recorded as given; see the details", faults));
    };
    let (metrics, runner) = (request.metrics, request.runner_identity);
    let environment = request.environment.unwrap_or_default();
    let new = NewEvalResult { name, status, metrics, run_at, runner, environment };
    let result = call.registry.record_eval(call.principal()?, &package, &version, new).await?;
    answer::written(StatusCode::CREATED, &EvalRow::from(result))
}

async fn list(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let detail = call.view()?.version(&package, &version).await?;
    answer::read(&call, &EvalsAnswer::new(&package, &detail.summary.version, detail.eval_results))
}

async fn set_gates(call: Call, body: RequestBody) -> Answered {
    let package = call.package()?;
    let request: GatesRequest = call.json(body).await?;
    let mut gates = Gates::new();
    for (tag, evals) in &request.gates {
        let evals = evals.iter().map(|name| name.parse()).collect::<Result<_, InvalidName>>()?;
        gates.insert(tag.parse()?, evals);
    }
    let gates = call.registry.set_gates(call.principal()?, &package, gates).await?;
    answer::written(StatusCode::OK, &GatesAnswer::new(&package, &gates))
}

async fn gates(call: Call) -> Answered {
    let package = call.package()?;
    let gates = call.view()?.gates(&package).await?;
    answer::read(&call, &GatesAnswer::new(&package, &gates))
}
