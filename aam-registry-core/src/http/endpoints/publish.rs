use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::{
    error::{Error, ErrorCode},
    http::{
        answer::{self, Answered},
        body::{RequestBody, content_length},
        call::Call,
        failure::Failure,
        form::{Form, Part},
        routing::{Access, Answer, Content, Kind, RequestContent, Route, Verb, handler, route},
        wire::{PublishForm, PublishedAnswer},
    },
    ports::RateClass,
    registry::{Publish, PublishOptions, PublishReceipt},
    types::{AskedIn, not_built},
};

/// The most bytes of each part that is read as text.
const MAX_TEXT: usize = 256;
/// The most bytes of all parts except the archive.
const MAX_BESIDE: u64 = 1024 * 1024;
/// How many parts a form may have.
const MAX_PARTS: usize = 64;

pub(super) const ROUTES: &[Route] = &[Route {
    tag: "Publishing",
    summary: "Publish a version",
    description: "Takes an `.aam`, whose `aam.yaml` says the package and version. A new unscoped name becomes the \
        caller's; into a scope publish its owners, members and contributors. A version, once published, never \
        changes, and its number is never used again. Where an answer was lost, publishing again answers 409 \
        `version_exists` with the SHA-256 of what was published in `details`: if that is yours, you have won. Parts \
        the registry does not know are ignored. A `tag` that has to wait, for the approval of the version or because it \
        names only approved versions, is not in `dist_tags`, and `warnings` says so. `max_packages_per_scope`, \
        `max_storage_per_scope` and `max_versions_per_package` of the operation `limits` bound what is added. Needs the scope `publish`.\n\n\
        ```\ncurl -H \"Authorization: Bearer $AAM_TOKEN\" -F archive=@greet-kit-1.0.0.aam https://registry.example.com/api/v1/packages\n```",
    access: Access::Credential,
    class: Some(RateClass::Publish),
    kind: Kind::Transfer,
    request: RequestContent::form::<PublishForm>(),
    answers: &[Answer {
        status: 201,
        description: "The version is published and durable.",
        content: Content::json::<PublishedAnswer>(),
    }],
    errors: &[
        ErrorCode::InvalidManifest,
        ErrorCode::InvalidArchive,
        ErrorCode::ChecksumMismatch,
        ErrorCode::InvalidTag,
        ErrorCode::Forbidden,
        ErrorCode::NameReserved,
        ErrorCode::NameTooSimilar,
        ErrorCode::GateFailed,
        ErrorCode::TagNotAllowed,
        ErrorCode::QuotaExceeded,
        ErrorCode::VersionExists,
        ErrorCode::VersionGone,
        ErrorCode::StorageUnavailable,
    ],
    ..route(Verb::Post, "/api/v1/packages", "publishPackage", handler!(publish, body))
}];

async fn publish(call: Call, body: RequestBody) -> Answered {
    let max = call.registry.policy().archive_limits.max_archive_size();
    if content_length(&call.headers).is_some_and(|len| len > max.saturating_add(MAX_BESIDE)) {
        let message = format!("The archive is larger than the {max} bytes this registry takes");
        return Err(Error::PayloadTooLarge(message).into());
    }
    let form = Form::new(&call.headers, body)?;
    let (patience, mut waited) = (call.registry.policy().upload_timeout, Duration::ZERO);
    let receipt = timeout(patience, receive(&call, form, &mut waited)).await;
    published(&call, receipt.map_err(|_| took_too_long(patience, waited))??)
}

/// The error for an upload that took longer than `patience`; `waited` is how long the client was waited
/// for.
fn took_too_long(patience: Duration, waited: Duration) -> Error {
    let seconds = patience.as_secs();
    if waited > patience / 2 {
        Error::ClientTimeout(format!(
            "The upload took longer than {seconds} s, most of which the registry waited for its bytes; publish again \
             over a faster connection, or make the package smaller"
        ))
    } else {
        Error::Timeout(format!("The registry took longer than {seconds} s over the upload; publish again"))
    }
}

/// Adds the time that a client is waited for to a total, even if the wait is cancelled.
struct Waiting<'a> {
    total: &'a mut Duration,
    since: Instant,
}

impl<'a> Waiting<'a> {
    fn begin(total: &'a mut Duration) -> Self {
        Self { total, since: Instant::now() }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.total += self.since.elapsed();
    }
}

/// Reads the form to its end, and passes the archive to the registry while it arrives. `waited` is how
/// long the client was waited for.
async fn receive(call: &Call, mut form: Form, waited: &mut Duration) -> Result<PublishReceipt, Failure> {
    let mut options = PublishOptions::default();
    let mut upload = None;
    let mut beside = 0;
    let mut parts = 0;
    loop {
        let next = {
            let _waiting = Waiting::begin(waited);
            form.next_part().await?
        };
        let Some(mut part) = next else { break };
        parts += 1;
        if parts > MAX_PARTS {
            return Err(Error::invalid_request(format!("The form has more than {MAX_PARTS} parts")).into());
        }
        match part.name() {
            "archive" if upload.is_some() => {
                return Err(
                    Error::invalid_request("The form has several parts `archive`; publish one at a time").into()
                );
            }
            "archive" => upload = Some(store(call, &mut part, waited).await?),
            "tag" => {
                let tag = text(&mut part, waited).await?.parse();
                options.tag =
                    Some(tag.map_err(|error: crate::error::InvalidName| Error::InvalidTag(error.to_string()))?);
            }
            "checksum" => options.checksum = Some(text(&mut part, waited).await?.trim().parse()?),
            _ => {
                let _waiting = Waiting::begin(waited);
                skip(&mut part, &mut beside).await?;
            }
        }
    }
    let upload = upload.ok_or_else(|| Error::invalid_request("The form lacks the part `archive`, the `.aam` file"))?;
    Ok(upload.finish(options).await?)
}

async fn store(call: &Call, part: &mut Part, waited: &mut Duration) -> Result<Publish, Failure> {
    let mut upload = call.registry.begin_publish(call.principal()?, call.client_network()).await?;
    loop {
        let chunk = {
            let _waiting = Waiting::begin(waited);
            part.chunk().await?
        };
        let Some(chunk) = chunk else { return Ok(upload) };
        upload.write(chunk).await?;
    }
}

/// Reads a short part.
async fn text(part: &mut Part, waited: &mut Duration) -> Result<String, Failure> {
    let _waiting = Waiting::begin(waited);
    part.text(MAX_TEXT).await
}

/// Reads an unknown part, unless it asks for a feature that is not built.
async fn skip(part: &mut Part, beside: &mut u64) -> Result<(), Failure> {
    let refusal = |part: &Part, value: &str| {
        let refusal = not_built(AskedIn::Publish, part.name(), &Value::from(value))?;
        Some(Failure::from(Error::invalid_request(format!("The part `{}` of the form: {refusal}", part.name()))))
    };
    // Read the text only of a part that could be refused.
    if refusal(part, "anything").is_some() || refusal(part, "private").is_some() {
        let text = part.text(MAX_TEXT).await.unwrap_or_else(|_| "anything".to_owned());
        return refusal(part, &text).map_or(Ok(()), Err);
    }
    while let Some(chunk) = part.chunk().await? {
        *beside += chunk.len() as u64;
        if *beside > MAX_BESIDE {
            let message = format!("The parts of the form beside `archive` are larger than {MAX_BESIDE} bytes together");
            return Err(Error::PayloadTooLarge(message).into());
        }
    }
    Ok(())
}

fn published(call: &Call, receipt: PublishReceipt) -> Answered {
    let PublishReceipt { manifest, sha256, published_at, dist_tags, approval, warnings, .. } = receipt;
    let url = call.edge.version_url(&manifest.name, &manifest.version);
    let location = HeaderValue::try_from(url.as_str()).expect("names and versions are visible ASCII");
    let answer = PublishedAnswer {
        name: manifest.name.to_string(),
        version: manifest.version.to_string(),
        published_at: published_at.into(),
        checksum: sha256.into(),
        signature: (),
        url,
        dist_tags: dist_tags.iter().map(ToString::to_string).collect(),
        approval_status: approval.as_str(),
        warnings,
    };
    let mut response = answer::written(StatusCode::CREATED, &answer)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}
