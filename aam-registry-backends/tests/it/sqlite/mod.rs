use aam_registry_backends::sqlite::{SqliteConfig, SqliteMetadata};
use aam_registry_core::database_conformance;
use tempfile::TempDir;

/// A new database in a folder that goes with the second value.
async fn database() -> (SqliteMetadata, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteMetadata::open(SqliteConfig::new(folder.path().join("registry.db"))).await.expect("a database");
    (store, folder)
}

mod conformance {
    use super::*;

    database_conformance!(database());
}
