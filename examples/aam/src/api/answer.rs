//! From an HTTP answer to a value or a failure a person can act on.

use reqwest::{Response, StatusCode, header::LOCATION};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    config::RegistryUrl,
    failure::{Detail, Failure, Kind, Result},
    output::plain,
};

/// The most bytes of an answer: beyond what any package of a registry with the usual limits needs.
pub(super) const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The most bytes of an answer that tells of a failure.
const MAX_FAILURE: usize = 1024 * 1024;

/// An error body.
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
    json_within(registry, response, MAX_ANSWER).await
}

/// As [`json`], of an answer of at most `most` bytes.
pub(super) async fn json_within<T: DeserializeOwned>(
    registry: &RegistryUrl,
    response: Response,
    most: usize,
) -> Result<T> {
    if !response.status().is_success() {
        return Err(failure(registry, response).await);
    }
    let bytes = whole(registry, response, most).await?;
    serde_json::from_slice(&bytes).map_err(|error| foreign(registry, &format!("its answer does not fit: {error}")))
}

/// The body of an answer, refused beyond `most` bytes.
async fn whole(registry: &RegistryUrl, mut response: Response, most: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable_registry(registry, &error))? {
        if bytes.len() + chunk.len() > most {
            return Err(foreign(registry, &format!("its answer is larger than {most} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Makes the failure that an unsuccessful answer tells of.
pub(super) async fn failure(registry: &RegistryUrl, response: Response) -> Failure {
    let status = response.status();
    if status.is_redirection() {
        return moved(registry, &response);
    }
    let body = whole(registry, response, MAX_FAILURE).await.unwrap_or_default();
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) => explained(status, body),
        Err(_) => unexplained(registry, status),
    }
}

/// The failure of an answer that leads to another place: neither credential nor
/// body is sent there.
fn moved(registry: &RegistryUrl, response: &Response) -> Failure {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| response.url().join(location).ok());
    let Some(target) = target else {
        return foreign(registry, &format!("it answered {} without saying where to", response.status()));
    };
    // What follows the registry's address in the request follows its new address, too.
    let path = response.url().as_str().strip_prefix(registry.as_str()).unwrap_or_default();
    let address = target.as_str().strip_suffix(path).unwrap_or(target.as_str()).trim_end_matches('/');
    let message = format!("{registry} redirects to {}; nothing was sent there", plain(address));
    Failure::new(Kind::Usage, "redirected", message)
        .hint(format!("if that is the registry, use its new address: `aam registry add <NAME> {}`", plain(address)))
}

/// The failure of an answer that is none of a registry's.
fn unexplained(registry: &RegistryUrl, status: StatusCode) -> Failure {
    match status.as_u16() {
        413 => Failure::new(
            Kind::Invalid,
            "payload_too_large",
            format!("A proxy in front of {registry} does not let so large an archive through"),
        )
        .hint("ask the operator to raise the proxy's limit (nginx: `client_max_body_size`), or leave files out with .aamignore"),
        407 => Failure::new(Kind::Access, "proxy", format!("The proxy on the way to {registry} wants a login"))
            .hint("set HTTPS_PROXY to an address with user and password, such as http://user:password@proxy:3128"),
        502..=504 => Failure::new(
            Kind::Unavailable,
            "unreachable",
            format!("A proxy in front of {registry} answers {status}: the registry behind it cannot be reached"),
        )
        .hint("try again in a moment; where it stays so, tell the operator"),
        _ => foreign(registry, &format!("it answered {status} without saying why")),
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
    if let Some(failure) = misconfigured(registry, &cause.to_string()) {
        return failure;
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

/// What a failed connection says of the way that was chosen to the registry.
fn misconfigured(registry: &RegistryUrl, cause: &str) -> Option<Failure> {
    let lower = cause.to_ascii_lowercase();
    let failure = |code, message: String| Some(Failure::new(Kind::Unavailable, code, message));
    if lower.contains("unknownissuer") || lower.contains("unknown issuer") || lower.contains("self-signed") {
        return failure("tls", format!("The certificate of {registry} is signed by nobody this machine trusts"))
            .map(|failure| failure.hint("if your company signs its own certificates, set SSL_CERT_FILE to the file with its root certificate"));
    }
    if lower.contains("notvalidforname") || lower.contains("not valid for name") {
        return failure("tls", format!("The certificate of {registry} is for another name"))
            .map(|failure| failure.hint("use the address that the certificate names, or tell the operator"));
    }
    if lower.contains("expired") && lower.contains("certificate") {
        return failure("tls", format!("The certificate of {registry} has expired"))
            .map(|failure| failure.hint("tell the operator, and check this machine's clock"));
    }
    if lower.contains("invalidcontenttype") || lower.contains("corrupt message") {
        return failure("tls", format!("{registry} does not speak TLS there")).map(|failure| {
            failure.hint("if the registry is served without TLS, use an address that begins with http://")
        });
    }
    if lower.contains("proxy") || lower.contains("tunnel") {
        return failure("proxy", format!("The proxy on the way to {registry} cannot be used: {cause}")).map(
            |failure| {
                failure.hint("check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or name the registry's host in NO_PROXY")
            },
        );
    }
    None
}

/// The failure of a registry whose answer is not one to the question.
pub(super) fn wrong(registry: &RegistryUrl, what: &str) -> Failure {
    Failure::integrity(format!("{registry} answers what was not asked: {what}; nothing was installed"))
        .hint("tell the operator; until it is mended, use another registry")
}

/// The failure of something that does not speak our protocol.
fn foreign(registry: &RegistryUrl, what: &str) -> Failure {
    Failure::new(Kind::Unavailable, "not_a_registry", format!("{registry} does not answer like a registry: {what}"))
        .hint("check the address with `aam registry list`")
}
