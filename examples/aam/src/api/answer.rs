//! From an HTTP answer to a value or a failure a person can act on.

use aam_registry_core::types::ScopeName;
use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, LOCATION},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    retry::retry_after,
    unreachable::{Proxy, login, unreachable_registry},
};
use crate::{
    config::RegistryUrl,
    failure::{Detail, Failure, Kind, Result},
    output::plain,
};

/// The most bytes of an answer: beyond what any package of a registry with the usual limits needs.
pub(super) const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The most bytes of an answer that tells of a failure.
const MAX_FAILURE: usize = 1024 * 1024;
/// The most details that are told of a failure, and the most characters of each text in it.
const MAX_DETAILS: usize = 100;
const MAX_TEXT: usize = 2000;

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

/// Reads the text of a successful answer of at most `most` bytes, or makes the failure of another.
pub(super) async fn text(registry: &RegistryUrl, response: Response, most: usize) -> Result<String> {
    if !response.status().is_success() {
        return Err(failure(registry, response).await);
    }
    let bytes = whole(registry, response, most).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
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
    let headers = response.headers().clone();
    let body = whole(registry, response, MAX_FAILURE).await.unwrap_or_default();
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) => explained(status, &headers, body),
        Err(_) => unexplained(registry, status, &headers, &body),
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
    if !matches!(target.scheme(), "http" | "https") {
        return foreign(
            registry,
            &format!("it leads to an address of `{}`, which is none of a registry", plain(target.scheme())),
        );
    }
    if target.origin() == response.url().origin() {
        let what = "its addresses lead from one to the other without end";
        return foreign(registry, what).hint("tell its operator: a proxy in front of it may be set up wrongly");
    }
    // What follows the registry's address in the request follows its new address, too.
    let path = response.url().as_str().strip_prefix(registry.as_str()).unwrap_or_default();
    let address = target.as_str().strip_suffix(path).unwrap_or(target.as_str()).trim_end_matches('/');
    let address = plain(address);
    let message = format!("{registry} redirects to {address}; nothing was sent there");
    let failure = Failure::new(Kind::Usage, "redirected", message);
    if !RegistryUrl::needs_no_quotes(&address) {
        return failure.hint(
            "a shell would act on characters of that address: ask who runs the registry for another one, then \
             give its name that one with `aam registry add <NAME> <URL> --replace`",
        );
    }
    failure.hint(format!(
        "if that is the registry, give its name the new address: `aam registry add <NAME> {address} --replace`, then \
         `aam login`; `aam registry list` shows the name"
    ))
}

/// The failure of an answer that is none of a registry's.
fn unexplained(registry: &RegistryUrl, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    match status.as_u16() {
        413 => Failure::new(
            Kind::Invalid,
            "payload_too_large",
            format!("A proxy in front of {registry} does not let so large an archive through"),
        )
        .hint("ask the operator to raise the proxy's limit (nginx: `client_max_body_size`), or leave files out with .aamignore"),
        407 => {
            let proxy = Proxy::on_the_way_to(registry);
            let variable = proxy.map_or_else(|| "HTTPS_PROXY".to_owned(), |proxy| proxy.variable);
            Failure::new(Kind::Access, "proxy", format!("The proxy on the way to {registry} wants a login"))
                .hint(login(&variable))
        }
        400 if wants_tls(body) => {
            let rest = registry.as_str().strip_prefix("http://").unwrap_or(registry.as_str());
            Failure::new(Kind::Unavailable, "tls", format!("{registry} is served with TLS, and was asked without"))
                .hint(format!("its address is https://{rest}"))
        }
        429 => Failure::new(
            Kind::Unavailable,
            "rate_limited",
            format!("{registry}, or a proxy in front of it, takes no more requests from here for now"),
        )
        .hint(later(headers)),
        502..=504 => Failure::new(
            Kind::Unavailable,
            "unreachable",
            format!("A proxy in front of {registry} answers {status}: the registry behind it cannot be reached"),
        )
        .hint("try again in a moment; where it stays so, tell the operator"),
        _ => foreign(registry, &format!("it answered {status} without saying why")),
    }
}

/// Whether a server (nginx, Apache, Go) says that it was spoken to without TLS.
fn wants_tls(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    ["plain http request was sent to https port", "speaking plain http to an ssl", "http request to an https server"]
        .iter()
        .any(|said| text.contains(said))
}

/// When to try again.
fn later(headers: &HeaderMap) -> String {
    /// A day, in seconds.
    const LONGEST: u64 = 24 * 60 * 60;
    match retry_after(headers) {
        Some(seconds @ 2..120) => format!("try again in {seconds} seconds"),
        Some(seconds @ 120..=LONGEST) => format!("try again in {} minutes", seconds.div_ceil(60)),
        Some(_) if retry_after(headers) > Some(LONGEST) => {
            "it wants you to wait for more than a day: ask its operator why".to_owned()
        }
        _ => "try again in a moment".to_owned(),
    }
}

fn explained(status: StatusCode, headers: &HeaderMap, body: ErrorBody) -> Failure {
    let hint = hint(&body, status, headers);
    let more = body.details.len().saturating_sub(MAX_DETAILS);
    let details = body.details.into_iter().take(MAX_DETAILS).map(|detail| {
        let text = |key: &str| match detail.get(key) {
            Some(Value::String(text)) => shortened(text),
            Some(other) => shortened(&other.to_string()),
            None => String::new(),
        };
        if detail.get("error").is_some() {
            Detail::new(text("field"), text("error"))
        } else {
            Detail::new("detail", shortened(&detail.to_string()))
        }
    });
    let mut details: Vec<_> = details.collect();
    if more > 0 {
        details.push(Detail::new("…", format!("and {more} more")));
    }
    Failure {
        kind: kind(status, &body.error),
        details,
        request_id: body.request_id.map(|id| shortened(&id).into_boxed_str()),
        hint: hint.map(String::into_boxed_str),
        ..Failure::new(Kind::Other, &shortened(&body.error), shortened(&body.message))
    }
}

/// The beginning of a text that a registry sent: nobody reads an endless one, and a terminal shows what came last.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn kind(status: StatusCode, code: &str) -> Kind {
    match (status.as_u16(), code) {
        (_, "invalid_manifest" | "invalid_archive") | (413, _) => Kind::Invalid,
        (_, "checksum_mismatch") => Kind::Integrity,
        (401 | 403, _) => Kind::Access,
        (404 | 410, _) => Kind::NotFound,
        (409, _) => Kind::Conflict,
        (408 | 429 | 500..=599, _) => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// What to do about a failure, where the registry's own words do not say it.
fn hint(body: &ErrorBody, status: StatusCode, headers: &HeaderMap) -> Option<String> {
    if let Some(scope) = missing_scope(body) {
        return Some(format!("make it with `aam scope create {scope}`, or mend the name in aam.yaml"));
    }
    let fixed = match &*body.error {
        "unauthorized" => "run `aam login`, or check AAM_TOKEN where it is set",
        "invalid_credentials" => {
            "try again, or make an account with `aam register`; a new one may have to be confirmed by mail first"
        }
        "forbidden" => forbidden(&body.message),
        "version_gone" => "see which versions there are with `aam info`",
        "two_factor_required" => "enroll a second factor with `aam otp enrol`",
        "package_not_found" => "look for it with `aam search`, or check `aam registry list`",
        "version_not_found" => "see what there is with `aam info`",
        "scope_not_found" => "make it with `aam scope create`",
        "scope_exists" => "choose another name, or ask one of its owners, whom `aam scope show` lists, to add you",
        "user_exists" => "choose another; if the account is yours, `aam login`",
        "tag_not_found" => "see the tags there are with `aam dist-tag ls`",
        "user_not_found" => "check the spelling; who has no account yet makes one with `aam register`",
        "version_exists" => "a published version never changes: raise the version in aam.yaml",
        "payload_too_large" => "leave files out with .aamignore; see what is packed with `aam pkg publish --dry-run`",
        "read_only" => "installing and searching work meanwhile; repeat this when its operator is done",
        _ if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => return Some(later(headers)),
        _ => return None,
    };
    Some(fixed.to_owned())
}

/// What to do where the registry refuses: whose right is wanting stands in its words alone.
fn forbidden(message: &str) -> &'static str {
    if message.contains("token") {
        "make a token that may with `aam token create`, or act as yourself after `aam login`"
    } else if message.starts_with("Only ") || message.contains("administrator") || message.contains("moderator") {
        "see who you are with `aam whoami`; the administrators of the registry give its roles"
    } else if message.starts_with("You may not ") {
        "see who you are with `aam whoami`, and who may with `aam owner ls` or `aam scope show`"
    } else {
        "see who you are with `aam whoami`"
    }
}

/// The scope that nobody has made yet, where a publish is refused for that.
fn missing_scope(body: &ErrorBody) -> Option<&str> {
    let scope = body.message.strip_prefix("The scope @").filter(|_| body.error == "forbidden")?;
    let scope = scope.split_once(" does not exist")?.0;
    // What is shown as a command is nothing but a name.
    scope.parse::<ScopeName>().ok().map(|_| scope)
}

/// The failure of a registry whose answer is not one to the question.
pub(super) fn wrong(registry: &RegistryUrl, what: &str) -> Failure {
    Failure::integrity(format!("{registry} answers what was not asked: {what}; nothing was installed"))
        .hint("tell the operator; until it is mended, use another registry")
}

/// The failure of a registry that did something else than it was asked for.
pub(super) fn unexpected(registry: &RegistryUrl, what: &str) -> Failure {
    Failure::integrity(format!("{registry} answered something unexpected: {what}"))
        .hint("check the address with `aam registry list`; where it is right, tell the operator")
}

/// The failure of something that does not speak our protocol.
fn foreign(registry: &RegistryUrl, what: &str) -> Failure {
    Failure::new(Kind::Unavailable, "not_a_registry", format!("{registry} does not answer like a registry: {what}"))
        .hint("check the address with `aam registry list`")
}
