use http::{HeaderValue, StatusCode, header};
use tokio::time::timeout;

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
    types::ApprovalStatus,
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
        the registry does not know are ignored. Needs the scope `publish`.\n\n\
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
        ErrorCode::TagNotAllowed,
        ErrorCode::VersionExists,
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
    let receipt = timeout(call.registry.policy().upload_timeout, receive(&call, form));
    let receipt = receipt.await.map_err(|_| Error::Timeout("The upload took too long; try again".to_owned()))??;
    published(&call, receipt)
}

/// Reads the form to its end, and passes the archive to the registry while it arrives.
async fn receive(call: &Call, mut form: Form) -> Result<PublishReceipt, Failure> {
    let mut options = PublishOptions::default();
    let mut upload = None;
    let mut beside = 0;
    let mut parts = 0;
    while let Some(mut part) = form.next_part().await? {
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
            "archive" => upload = Some(store(call, &mut part).await?),
            "tag" => {
                let tag = part.text(MAX_TEXT).await?.parse();
                options.tag =
                    Some(tag.map_err(|error: crate::error::InvalidName| Error::InvalidTag(error.to_string()))?);
            }
            "checksum" => options.checksum = Some(part.text(MAX_TEXT).await?.trim().parse()?),
            "signature" | "signature_type" => {
                let message = "Signatures are not available on this registry yet; publish without `signature` and \
                    `signature_type`";
                return Err(Error::invalid_request(message).into());
            }
            _ => skip(&mut part, &mut beside).await?,
        }
    }
    let upload = upload.ok_or_else(|| Error::invalid_request("The form lacks the part `archive`, the `.aam` file"))?;
    Ok(upload.finish(options).await?)
}

async fn store(call: &Call, part: &mut Part) -> Result<Publish, Failure> {
    let mut upload = call.registry.begin_publish(call.principal()?, call.client_network()).await?;
    while let Some(chunk) = part.chunk().await? {
        upload.write(chunk).await?;
    }
    Ok(upload)
}

async fn skip(part: &mut Part, beside: &mut u64) -> Result<(), Failure> {
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
    let PublishReceipt { manifest, sha256, published_at, dist_tags, warnings, .. } = receipt;
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
        approval_status: ApprovalStatus::default().as_str(),
        warnings,
    };
    let mut response = answer::written(StatusCode::CREATED, &answer)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}
