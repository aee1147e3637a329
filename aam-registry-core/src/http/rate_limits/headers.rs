use http::{HeaderMap, HeaderName};

use crate::{
    error::Error,
    http::{Failure, metrics, short_number, whole_seconds},
    ports::{RateClass, RateDecision},
};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Adds the state of the client's limit, unless an inner limit has added its own.
pub(crate) fn insert(headers: &mut HeaderMap, decision: &RateDecision) {
    headers.entry(LIMIT).or_insert_with(|| short_number(decision.limit));
    headers.entry(REMAINING).or_insert_with(|| short_number(decision.remaining));
    headers.entry(RESET).or_insert_with(|| short_number(whole_seconds(decision.reset)));
}

/// The decision, or an error if it refuses the request.
pub(crate) fn passed(class: RateClass, decision: Option<RateDecision>) -> Result<Option<RateDecision>, Failure> {
    match &decision {
        Some(taken) => refuse_over_limit(class, taken).map(|()| decision),
        None => Ok(None),
    }
}

/// Fails if `decision` refuses the request.
pub(crate) fn refuse_over_limit(class: RateClass, decision: &RateDecision) -> Result<(), Failure> {
    let Some(retry_after) = decision.retry_after else { return Ok(()) };
    metrics::rate_limited(class);
    let mut failure = Failure::from(Error::RateLimited { retry_after });
    insert(failure.headers_mut(), decision);
    Err(failure)
}
