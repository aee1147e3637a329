//! What the tests start from.

use std::path::Path;

use aam_registry_backends::sqlite::{SqliteConfig, SqliteMetadata};
use tempfile::TempDir;

pub(super) use crate::world::{actor, publish};

/// A new database in a folder that goes with the second value.
pub(super) async fn database() -> (SqliteMetadata, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    (open(folder.path()).await, folder)
}

pub(super) fn config(folder: &Path) -> SqliteConfig {
    SqliteConfig::new(folder.join("registry.db"))
}

pub(super) async fn open(folder: &Path) -> SqliteMetadata {
    SqliteMetadata::open(config(folder)).await.expect("a database")
}
