use std::io;

use aam_registry_core::Error;
use opendal::ErrorKind;

/// What a failure of OpenDAL is in the words of the domain.
pub(super) fn storage_error(error: opendal::Error) -> Error {
    if error.kind() == ErrorKind::RangeNotSatisfied {
        return Error::internal(error);
    }
    // Behind the retries every failure counts as persistent, even one that was not tried again.
    let passing = matches!(error.kind(), ErrorKind::Unexpected | ErrorKind::RateLimited | ErrorKind::Conflict);
    let retry = error.is_temporary() || (error.is_persistent() && passing);
    Error::storage(error, retry)
}

pub(super) fn folder_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidInput => Error::internal(error),
        kind => Error::storage(error, kind == io::ErrorKind::Interrupted),
    }
}
