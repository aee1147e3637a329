//! From an HTTP answer to a value or a failure a person can act on.

use reqwest::{Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    config::RegistryUrl,
    failure::{Detail, Failure, Kind, Result},
};

/// An error body (contract, section 2).
#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    message: String,
    #[serde(default)]
    details: Vec<Value>,
    request_id: Option<String>,
}

/// Reads the JSON of a successful answer, or makes the failure of another.
pub(super) async fn json<T: DeserializeOwned>(registry: &RegistryUrl, response: Response) -> Result<T> {
    if !response.status().is_success() {
        return Err(failure(registry, response).await);
    }
    let bytes = response.bytes().await.map_err(|error| unreachable_registry(registry, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| foreign(registry, &format!("its answer does not fit: {error}")))
}

/// Makes the failure that an unsuccessful answer tells of.
pub(super) async fn failure(registry: &RegistryUrl, response: Response) -> Failure {
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) => explained(status, body),
        Err(_) => foreign(registry, &format!("it answered {status} without saying why")),
    }
}

fn explained(status: StatusCode, body: ErrorBody) -> Failure {
    let hint = hint(&body.error, status);
    let details = body.details.into_iter().map(|detail| {
        let text = |key: &str| match detail.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        if detail.get("error").is_some() {
            Detail::new(text("field"), text("error"))
        } else {
            Detail::new("detail", detail.to_string())
        }
    });
    Failure {
        kind: kind(status, &body.error),
        details: details.collect(),
        request_id: body.request_id.map(String::into_boxed_str),
        hint: hint.map(Into::into),
        ..Failure::new(Kind::Other, &body.error, body.message)
    }
}

fn kind(status: StatusCode, code: &str) -> Kind {
    match (status.as_u16(), code) {
        (_, "invalid_manifest" | "invalid_archive") | (413, _) => Kind::Invalid,
        (_, "checksum_mismatch") => Kind::Integrity,
        (401 | 403, _) => Kind::Access,
        (404 | 410, _) => Kind::NotFound,
        (409, _) => Kind::Conflict,
        (429 | 500..=599, _) => Kind::Unavailable,
        _ => Kind::Other,
    }
}

fn hint(code: &str, status: StatusCode) -> Option<&'static str> {
    Some(match code {
        "unauthorized" => "run `aam login`, or check AAM_TOKEN where it is set",
        "invalid_credentials" => "try again, or make an account with `aam register`",
        "forbidden" => "see who you are with `aam whoami`, and who may with `aam owner ls` or `aam scope show`",
        "package_not_found" => "look for it with `aam search`, or check `aam registry list`",
        "version_not_found" => "see what there is with `aam info`",
        "scope_not_found" => "make it with `aam scope create`",
        "version_exists" => "a published version never changes: raise the version in aam.yaml",
        "payload_too_large" => "leave files out with .aamignore; see what is packed with `aam pkg publish --dry-run`",
        _ if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => "try again in a moment",
        _ => return None,
    })
}

/// The failure of a registry that cannot be reached or stopped answering.
pub(super) fn unreachable_registry(registry: &RegistryUrl, error: &reqwest::Error) -> Failure {
    // reqwest names the address; what it is about stands in the innermost cause.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let message = if error.is_timeout() {
        format!("{registry} does not answer in time")
    } else if error.is_connect() {
        format!("Cannot connect to {registry}: {cause}")
    } else {
        format!("The connection to {registry} broke: {cause}")
    };
    Failure::new(Kind::Unavailable, "unreachable", message)
        .hint("check the address with `aam registry list`, and that the registry runs")
}

/// The failure of something that does not speak our protocol.
fn foreign(registry: &RegistryUrl, what: &str) -> Failure {
    Failure::new(Kind::Unavailable, "not_a_registry", format!("{registry} does not answer like a registry: {what}"))
        .hint("check the address with `aam registry list`")
}
