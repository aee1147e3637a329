use std::time::Duration;

use aam_registry_core::ports::JobFailure;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};

use crate::outgoing::OutgoingClient;

/// How much of an answer that refuses something is read.
const MOST: usize = 4096;

/// Sends a request to the API of a CDN; the answer has to be a success.
pub(super) async fn send(client: &OutgoingClient, request: Request<Bytes>) -> Result<Bytes, JobFailure> {
    let answer = client.send(request).await.map_err(|error| JobFailure::new(format!("the CDN's API: {error}")))?;
    let (status, again) = (answer.status(), retry_after(answer.headers()));
    let body = answer.body(MOST).await.unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    let told: String = String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(300).collect();
    let failure = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            JobFailure::new(format!("the CDN's API answers {status}: see that the token of cdn.* may purge: {told}"))
        }
        _ => JobFailure::new(format!("the CDN's API answers {status}: {told}")),
    };
    Err(match again {
        Some(delay) => failure.not_before(delay),
        None => failure,
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
