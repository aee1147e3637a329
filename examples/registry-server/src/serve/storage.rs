use aam_registry_core::registry::Registry;

use crate::{assemble, config::Settings, remedy};

/// Logs in one line why the archives cannot be stored, if that is so, and what to do. The server serves anyway:
/// metadata and cached archives need no store, and it may come back.
pub(super) async fn tell_if_unusable(settings: &Settings, registry: &Registry) {
    let Err(error) = registry.check_storage().await else { return };
    tracing::error!(
        event = "storage_unusable",
        "archives can be neither stored nor read: {}",
        remedy::with(assemble::cause(&error), remedy::for_storage(settings, &error)),
    );
}
