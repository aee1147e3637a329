//! The prefix of the keys and channels of a registry.

use std::sync::OnceLock;

use aam_registry_core::types::RegistryId;
use tokio::sync::Notify;

/// The prefix of a link's keys and channels. It may have to wait for the registry's id.
#[derive(Debug)]
pub(super) struct Namespace {
    /// The operator's prefix.
    prefix: String,
    whole: OnceLock<String>,
    known: Notify,
}

impl Namespace {
    /// A namespace that is known already.
    pub(super) fn known(prefix: &str) -> Self {
        Self { whole: OnceLock::from(prefix.to_owned()), ..Self::awaiting_registry(prefix) }
    }

    /// A namespace with a registry's id after `prefix`, once the id is set.
    pub(super) fn awaiting_registry(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), whole: OnceLock::new(), known: Notify::new() }
    }

    /// Sets the registry's id; only the first call has an effect.
    pub(super) fn set_registry(&self, id: RegistryId) {
        if self.whole.set(format!("{}{id}:", self.prefix)).is_ok() {
            self.known.notify_waiters();
        }
    }

    /// The prefix of keys; `None` while the registry's id is not known.
    pub(super) fn get(&self) -> Option<&str> {
        self.whole.get().map(String::as_str)
    }

    /// Waits until it is known.
    pub(super) async fn wait(&self) -> &str {
        loop {
            // Register before checking, or an id that is set in between would not wake this task.
            let known = self.known.notified();
            if let Some(whole) = self.get() {
                return whole;
            }
            known.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_told() {
        let namespace = Arc::new(Namespace::awaiting_registry("aam:"));
        assert_eq!(namespace.get(), None);
        let waiting = tokio::spawn({
            let namespace = Arc::clone(&namespace);
            async move { namespace.wait().await.to_owned() }
        });
        tokio::task::yield_now().await;
        let id = RegistryId::generate();
        namespace.set_registry(id);
        assert_eq!(waiting.await.expect("a task"), format!("aam:{id}:"));
        namespace.set_registry(RegistryId::generate());
        assert_eq!(namespace.wait().await, format!("aam:{id}:"), "the first one stays");
    }
}
