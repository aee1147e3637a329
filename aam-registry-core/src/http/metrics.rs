//! The metrics of the HTTP edge, by the names operators know.

use std::time::Duration;

use http::StatusCode;

use crate::ports::RateClass;

/// Counts one answered request.
pub(crate) fn request(method: &'static str, route: &'static str, status: StatusCode, duration: Duration) {
    let status = status.as_str().to_owned();
    metrics::counter!("aam_requests_total", "method" => method, "route" => route, "status" => status).increment(1);
    metrics::histogram!("aam_request_duration_seconds", "method" => method, "route" => route).record(duration);
}

/// Counts one request refused with 429.
pub(crate) fn rate_limited(class: RateClass) {
    metrics::counter!("aam_rate_limited_requests_total", "class" => class.as_str()).increment(1);
}

/// Counts the bytes of an archive, or of a part of one, that is sent.
pub(crate) fn download_bytes(bytes: u64) {
    metrics::counter!("aam_download_bytes_total").increment(bytes);
}

/// Counts one request whose body stopped coming.
pub(crate) fn body_stalled() {
    metrics::counter!("aam_connections_timed_out_total", "what" => "body").increment(1);
}
