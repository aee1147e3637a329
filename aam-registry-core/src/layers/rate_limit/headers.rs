use http::{HeaderMap, HeaderName};

use crate::{
    error::Error,
    http::{Failure, metrics, short_number, whole_seconds},
    ports::{RateClass, RateDecision},
};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Tells the client where it stands. What a limit further inside has said stays.
pub(super) fn insert(headers: &mut HeaderMap, decision: &RateDecision) {
    headers.entry(LIMIT).or_insert_with(|| short_number(decision.limit));
    headers.entry(REMAINING).or_insert_with(|| short_number(decision.remaining));
    headers.entry(RESET).or_insert_with(|| short_number(whole_seconds(decision.reset)));
}

/// What was decided of a request, unless that is to refuse it.
pub(super) fn passed(class: RateClass, decision: Option<RateDecision>) -> Result<Option<RateDecision>, Failure> {
    match &decision {
        Some(taken) => refuse_over_limit(class, taken).map(|()| decision),
        None => Ok(None),
    }
}

/// Fails where `decision` refuses the request.
pub(crate) fn refuse_over_limit(class: RateClass, decision: &RateDecision) -> Result<(), Failure> {
    let Some(retry_after) = decision.retry_after else { return Ok(()) };
    metrics::rate_limited(class);
    let mut failure = Failure::from(Error::RateLimited { retry_after });
    insert(failure.headers_mut(), decision);
    Err(failure)
}
