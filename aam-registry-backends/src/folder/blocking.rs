//! File operations on blocking threads.

use std::io;

use aam_registry_core::{Error, Result};
use tokio::task::{self, JoinHandle};

/// Converts an error of a folder to a backend error. The system's error stays its source, because it
/// distinguishes a full disk from other errors.
pub(super) fn folder_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidInput => Error::internal(error),
        kind => Error::storage(error, kind == io::ErrorKind::Interrupted),
    }
}

/// Runs file operations on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    ended(task::spawn_blocking(work)).await
}

/// Waits for file operations on a blocking thread.
pub(super) async fn ended<T>(work: JoinHandle<io::Result<T>>) -> Result<T> {
    work.await.map_err(io::Error::other).and_then(|done| done).map_err(folder_error)
}
