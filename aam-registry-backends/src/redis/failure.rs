//! What can go wrong with Redis.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::purpose::Purpose;

/// Counts no failure so far for every purpose: a rate tells of the first one only where the count was 0 before.
pub(super) fn begin_at_zero() {
    for purpose in Purpose::ALL {
        metrics::counter!("aam_redis_failures_total", "use" => purpose.as_str()).increment(0);
    }
}

/// Counts one failure.
pub(super) fn count(purpose: Purpose) {
    metrics::counter!("aam_redis_failures_total", "use" => purpose.as_str()).increment(1);
}

/// Whether the server that was asked answered, and would answer others.
pub(super) fn is_answer(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(
            ServerErrorKind::ReadOnly
            | ServerErrorKind::MasterDown
            | ServerErrorKind::BusyLoading
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::TryAgain,
        ) => false,
        // Redis 6 hides in the text why a command inside a script failed.
        ErrorKind::Server(_) | ErrorKind::Extension => !error.to_string().contains("READONLY"),
        ErrorKind::UnexpectedReturnType => true,
        _ => false,
    }
}
