//! How long commands take.

use std::{future::Future, time::Instant};

use aam_registry_core::ports::SPANS;
use redis::{Arg, Cmd};
use tracing::Instrument;

/// The commands that are measured under their names.
const NAMES: [&str; 7] = ["DEL", "EVALSHA", "GET", "MGET", "PING", "PUBLISH", "SET"];

/// The name of a command, for metrics.
pub(super) fn name_of(command: &Cmd) -> &'static str {
    let Some(Arg::Simple(name)) = command.args_iter().next() else { return "other" };
    NAMES.into_iter().find(|known| known.as_bytes() == name).unwrap_or("other")
}

/// Awaits a command and records its time in `aam_redis_duration_seconds{operation}`, also when nobody waits for its end
/// any more, with a span around it.
pub(super) async fn timed<T>(operation: &'static str, command: impl Future<Output = T>) -> T {
    let _timer = Timer { operation, began: Instant::now() };
    let span = tracing::trace_span!(
        target: SPANS,
        "redis",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = "redis",
    );
    command.instrument(span).await
}

struct Timer {
    operation: &'static str,
    began: Instant,
}

impl Drop for Timer {
    fn drop(&mut self) {
        metrics::histogram!("aam_redis_duration_seconds", "operation" => self.operation).record(self.began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_its_name() {
        assert_eq!(name_of(redis::cmd("MGET").arg("key")), "MGET");
        assert_eq!(name_of(&redis::cmd("FLUSHALL")), "other");
    }
}
