use http::{HeaderMap, HeaderName};

use crate::{
    http::short_value::{short_number, whole_seconds},
    types::RateDecision,
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
