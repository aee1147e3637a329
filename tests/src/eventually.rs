use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Calls `probe` repeatedly until it returns a value; returns the value and how long it took.
///
/// # Panics
/// If there is no value within a minute; the message names `what` was waited for.
pub async fn eventually<T>(what: impl std::fmt::Display, mut probe: impl AsyncFnMut() -> Option<T>) -> (T, Duration) {
    let began = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return (found, began.elapsed());
        }
        assert!(began.elapsed() < PATIENCE, "waited a minute in vain: {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
