use aam_registry_core::registry::Registry;
use tokio::task::JoinHandle;

use super::ServeError;

/// The work beside the requests, as a task of its own.
pub(super) struct Background(JoinHandle<()>);

impl Background {
    /// Begins the background work of `registry`, which goes on until `end` completes.
    pub(super) fn begin(registry: Registry, end: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(async move { registry.run_background(end).await }))
    }

    /// Completes when the work has ended although nobody asked it to. Without it no event is
    /// delivered and no count is stored, while every answer looks well.
    pub(super) async fn ended_early(&mut self) -> ServeError {
        let error = (&mut self.0).await.err().map(|error| error.to_string());
        tracing::error!(event = "background_ended", error, "the background work ended; the server stops");
        ServeError::Background
    }

    /// Waits until the work has ended.
    pub(super) async fn end(self) {
        if !self.0.is_finished() {
            // A panic was logged where it happened.
            let _ = self.0.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use aam_registry_core::memory;

    use super::*;

    #[tokio::test]
    async fn an_end_that_nobody_asked_for_is_noticed() {
        let registry = memory::registry().build().expect("complete");
        let mut panicking = Background::begin(registry.clone(), async { panic!("on purpose") });
        assert!(matches!(panicking.ended_early().await, ServeError::Background));
        panicking.end().await;
        Background::begin(registry, future::ready(())).end().await;
    }
}
