//! Failures of Redis.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::purpose::Purpose;

/// Creates the failure counter of every purpose with the value 0: Prometheus' `rate` sees the first
/// failure only if the counter was 0 before.
pub(super) fn begin_at_zero() {
    for purpose in Purpose::ALL {
        metrics::counter!("aam_redis_failures_total", "use" => purpose.as_str()).increment(0);
    }
}

/// Counts one failure.
pub(super) fn count(purpose: Purpose) {
    metrics::counter!("aam_redis_failures_total", "use" => purpose.as_str()).increment(1);
}

/// What the operator has to do about a Redis that cannot be used.
pub(super) fn remedy(error: &RedisError) -> &'static str {
    match error.kind() {
        ErrorKind::AuthenticationFailed => "set the user and password in its URL right",
        ErrorKind::Server(ServerErrorKind::ReadOnly) => "its URL has to name the primary, not a replica",
        ErrorKind::Server(ServerErrorKind::BusyLoading) => "it loads its data, so wait",
        ErrorKind::InvalidClientConfig => "set its URL right",
        _ => "start it, or set the address in its URL right",
    }
}

/// Whether the server answered the command, and so would answer others.
pub(super) fn is_answer(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(
            ServerErrorKind::ReadOnly
            | ServerErrorKind::MasterDown
            | ServerErrorKind::BusyLoading
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::TryAgain,
        ) => false,
        // Redis 6 says only in the text why a command inside a script failed.
        ErrorKind::Server(_) | ErrorKind::Extension => !error.to_string().contains("READONLY"),
        ErrorKind::UnexpectedReturnType => true,
        _ => false,
    }
}
