use http::StatusCode;

use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{ReadOnlyAnswer, ReadOnlyRequest},
    },
};

pub(super) const ROUTES: &[Route] = &[Route {
    tag: "Service",
    summary: "Switch read-only mode on or off",
    description: "While the registry is read-only, changes are refused with 503 `read_only`. Reads, downloads, logins \
        and logouts work, and so does revoking tokens and ending sessions; downloads are counted, and stored \
        afterwards. Every replica follows within a second. A server that is configured to be read-only (`READ_ONLY`) \
        stays so. For administrators, with the scope `admin`.",
    access: Access::Credential,
    request: RequestContent::json::<ReadOnlyRequest>(),
    works_read_only: true,
    answers: &[Answer { status: 200, description: "The mode.", content: Content::json::<ReadOnlyAnswer>() }],
    errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
    ..route(Verb::Put, "/api/v1/read-only", "setReadOnly", handler!(set, body))
}];

async fn set(call: Call, body: RequestBody) -> Answered {
    let ReadOnlyRequest { read_only, reason } = call.json(body).await?;
    let mode = call.registry.set_read_only(call.principal()?, read_only, reason.as_deref()).await?;
    answer::written(StatusCode::OK, &ReadOnlyAnswer::from(mode))
}
