use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    error::ErrorCode,
    http::routing::{Access, RequestContent, Route},
};

/// The error answers of a route, by status: its own and those that every route may have.
pub(super) fn errors(route: &Route) -> BTreeMap<u16, Value> {
    let mut by_status = BTreeMap::<u16, Vec<ErrorCode>>::new();
    let mut add = |code: ErrorCode| {
        let codes = by_status.entry(code.status()).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    };
    route.errors.iter().copied().for_each(&mut add);
    // A bad credential is refused on every route, even where none is needed, and is rate limited.
    add(ErrorCode::Unauthorized);
    add(ErrorCode::RateLimited);
    if !matches!(route.request, RequestContent::None) {
        [
            ErrorCode::InvalidRequest,
            ErrorCode::ClientTimeout,
            ErrorCode::PayloadTooLarge,
            ErrorCode::UnsupportedMediaType,
        ]
        .into_iter()
        .for_each(&mut add);
    }
    if !route.works_read_only {
        add(ErrorCode::ReadOnly);
    }
    if route.access == Access::Credential || !route.errors.is_empty() {
        // A database file on a full disk gives the second error: storage is unavailable.
        [ErrorCode::DatabaseUnavailable, ErrorCode::StorageUnavailable, ErrorCode::Overloaded]
            .into_iter()
            .for_each(&mut add);
    }
    if route.pattern.contains("{package}/") {
        // `@scope` without a name takes the next segment as the name, which makes it the path of
        // another route.
        add(ErrorCode::MethodNotAllowed);
    }
    [ErrorCode::Internal, ErrorCode::Timeout].into_iter().for_each(&mut add);
    by_status.into_iter().map(|(status, codes)| (status, answer(status, &codes))).collect()
}

fn answer(status: u16, codes: &[ErrorCode]) -> Value {
    let names: Vec<_> = codes.iter().map(|code| format!("`{}`", code.as_str())).collect();
    json!({
        "description": names.join(", "),
        "headers": headers(status),
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": {"error": codes[0].as_str(), "message": "What went wrong, and what to do", "request_id": "5b2d2a63-8bd8-4f1c-9d8c-0b6d0f8f2f6e"},
            },
        },
    })
}

fn headers(status: u16) -> Map<String, Value> {
    let mut headers = Map::new();
    let mut add = |name: &str, description: &str| {
        headers.insert(name.to_owned(), json!({"description": description, "schema": {"type": "string"}}));
    };
    add("X-Request-Id", "The id of the request.");
    match status {
        401 => add("WWW-Authenticate", "`Bearer`."),
        416 => add("Content-Range", "`bytes */N`, with the size of the archive."),
        429 | 503 => add("Retry-After", "How many seconds to wait."),
        _ => {}
    }
    headers
}
