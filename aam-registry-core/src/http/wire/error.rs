use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Detail, ErrorCode};

/// The body of every error.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrorBody {
    /// The stable code.
    error: &'static str,
    /// What went wrong and what to do, for people.
    message: String,
    /// All faults, if there are several; if there are more than 100, one more entry says how many are
    /// not listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<DetailBody>,
    /// The id of the request, as in `X-Request-Id` and in the registry's log.
    request_id: String,
}

/// One fault.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ErrorDetail")]
struct DetailBody {
    /// The field, parameter or thing with the fault.
    field: String,
    /// What is wrong.
    error: String,
}

/// The most faults that are reported; one more says how many are not. An answer must not grow with the
/// number of faults in a request.
const MAX_DETAILS: usize = 100;
/// The most bytes of each text, since it may quote the request.
const MAX_TEXT: usize = 2048;

/// The text, cut if it is too long.
fn shortened(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push('…');
    }
    text
}

impl ErrorBody {
    pub(crate) fn new(code: ErrorCode, message: String, details: Vec<Detail>, request_id: &str) -> Self {
        let left_out = details.len().saturating_sub(MAX_DETAILS + 1);
        let listed = if left_out == 0 { MAX_DETAILS + 1 } else { MAX_DETAILS };
        let details = details.into_iter().take(listed);
        let mut details: Vec<_> = details
            .map(|detail| DetailBody { field: shortened(detail.field), error: shortened(detail.error) })
            .collect();
        if left_out > 0 {
            let error = format!("{} more are left out; mend these first", left_out + 1);
            details.push(DetailBody { field: String::new(), error });
        }
        Self { error: code.as_str(), message: shortened(message), details, request_id: request_id.to_owned() }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(details: usize, text: &str) -> ErrorBody {
        let details = (0..details).map(|at| Detail::new(format!("{at}{text}"), text)).collect();
        ErrorBody::new(ErrorCode::InvalidRequest, text.to_owned(), details, "id")
    }

    #[test]
    fn an_error_is_bounded_whatever_is_at_fault() {
        assert_eq!(body(101, "x").details.len(), 101);
        let cut = body(300, &"ü".repeat(5000));
        assert_eq!(cut.details.len(), 101);
        assert_eq!(cut.details[100].error, "200 more are left out; mend these first");
        assert!(cut.to_json().len() < 500_000);
    }
}
