//! Archives in whatever [OpenDAL](https://opendal.apache.org) reaches: today a
//! local folder or memory.

mod config;
mod folder;
mod store;
mod writer;

pub use config::OpendalConfig;
pub use store::OpendalArchives;

use aam_registry_core::Error;

fn storage_error(error: opendal::Error) -> Error {
    let retry = error.is_temporary();
    Error::storage(error, retry)
}

fn folder_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidInput => Error::internal(error),
        kind => Error::storage(error, kind == std::io::ErrorKind::Interrupted),
    }
}
