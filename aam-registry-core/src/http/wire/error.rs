use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Detail, ErrorCode};

/// What every error answers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrorBody {
    /// The stable code.
    error: &'static str,
    /// What went wrong and what to do, for people.
    message: String,
    /// Every fault, where there are several things to tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<DetailBody>,
    /// The id of the request, as in `X-Request-Id` and in the registry's log.
    request_id: String,
}

/// One fault.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ErrorDetail")]
struct DetailBody {
    /// What it is about.
    field: String,
    /// What is to be said of it.
    error: String,
}

impl ErrorBody {
    pub(crate) fn new(code: ErrorCode, message: String, details: Vec<Detail>, request_id: &str) -> Self {
        let details = details.into_iter().map(|detail| DetailBody { field: detail.field, error: detail.error });
        Self { error: code.as_str(), message, details: details.collect(), request_id: request_id.to_owned() }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings are JSON")
    }
}
