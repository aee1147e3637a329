use aam_registry_core::registry::Registry;
use tokio::task::JoinHandle;

use super::ServeError;

/// The work beside the requests, as a task of its own.
pub(super) struct Background(JoinHandle<()>);

impl Background {
    /// Begins the background work of `registry` when `start` completes; it goes on until `end` completes.
    /// Before the database can be used every job would fail and say so.
    pub(super) fn begin(
        registry: Registry,
        start: impl Future<Output = ()> + Send + 'static,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self(tokio::spawn(async move {
            let mut end = std::pin::pin!(end);
            tokio::select! {
                () = start => registry.run_background(end).await,
                () = &mut end => {}
            }
        }))
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
        let mut panicking = Background::begin(registry.clone(), future::ready(()), async { panic!("on purpose") });
        assert!(matches!(panicking.ended_early().await, ServeError::Background));
        panicking.end().await;
        Background::begin(registry.clone(), future::ready(()), future::ready(())).end().await;
        Background::begin(registry, future::pending(), future::ready(())).end().await;
    }
}
