//! How long calls of a database take.

use std::{any::type_name, future::Future, time::Instant};

use aam_registry_core::ports::SPANS;
use tracing::Instrument;

/// Awaits `call` and records its time in `aam_database_duration_seconds{operation}`, also when nobody waits for its end
/// any more, with a span around it. The operation is the method of a port that contains the closure of type `F`, so
/// each call is measured without being named, and there are as many names as methods.
pub(crate) async fn timed<F, T>(system: &'static str, call: impl Future<Output = T>) -> T {
    let operation = method_of(type_name::<F>());
    let _timer =
        Timer { name: "aam_database_duration_seconds", label: "operation", value: operation, began: Instant::now() };
    let span = tracing::trace_span!(
        target: SPANS,
        "database",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = system,
    );
    // Boxed: with the wait for a connection it is large, and each caller's future would be as large.
    Box::pin(call).instrument(span).await
}

/// Awaits `turn`, which is a place or a connection, and records the time in `aam_database_wait_seconds{queue}`.
pub(crate) async fn waited<T>(queue: &'static str, turn: impl Future<Output = T>) -> T {
    let _timer = Wait::begin(queue);
    turn.await
}

/// A call that waits in a queue, until this is dropped.
pub(crate) struct Wait {
    _timer: Timer,
}

impl Wait {
    /// Begins to wait.
    pub(crate) fn begin(queue: &'static str) -> Self {
        let began = Instant::now();
        Self { _timer: Timer { name: "aam_database_wait_seconds", label: "queue", value: queue, began } }
    }
}

struct Timer {
    name: &'static str,
    label: &'static str,
    value: &'static str,
    began: Instant,
}

impl Drop for Timer {
    fn drop(&mut self) {
        metrics::histogram!(self.name, self.label => self.value).record(self.began.elapsed());
    }
}

/// The function in which a closure is written, by the name of the closure's type, such as
/// `<a::Store as b::Port>::package<'_, '_>::{{closure}}::{{closure}}`.
fn method_of(closure: &'static str) -> &'static str {
    let path = without_parameters(closure.split("::{{closure}}").next().unwrap_or(closure));
    let name = path.rsplit("::").next().unwrap_or(path);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name { name } else { "other" }
}

/// A path without the parameters of its last part.
fn without_parameters(path: &str) -> &str {
    let mut depth = 0;
    for (at, byte) in path.bytes().enumerate().rev() {
        match byte {
            b'>' => depth += 1,
            b'<' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return path[..at + usize::from(byte != b'<')].trim_end_matches("::");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<F>(_: F) -> &'static str {
        method_of(type_name::<F>())
    }

    trait Port {
        fn package(&self) -> &'static str;
    }

    struct Store;

    impl Port for Store {
        fn package(&self) -> &'static str {
            let inner = || told(|| ());
            inner()
        }
    }

    #[test]
    fn a_closure_is_named_after_its_function() {
        assert_eq!(told(|| ()), "a_closure_is_named_after_its_function");
        assert_eq!(Store.package(), "package");
        assert_eq!(told(Store::package), "package");
        assert_eq!(method_of("<a::Store<T> as b::Port>::package<'_, c::D<'_>>::{{closure}}::{{closure}}"), "package");
        assert_eq!(method_of("a::read::<T>::{{closure}}"), "read");
    }
}
