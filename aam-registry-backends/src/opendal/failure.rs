use std::{error::Error as StdError, fmt};

use aam_registry_core::{
    Error,
    error::{NoSuchBucket, NotPermitted},
};
use opendal::ErrorKind;

/// Converts an OpenDAL error to a backend error.
pub(super) fn storage_error(error: opendal::Error) -> Error {
    if error.kind() == ErrorKind::RangeNotSatisfied {
        return Error::internal(error);
    }
    // After OpenDAL's own retries every error is marked persistent, even one that was not retried, so
    // the kind decides whether it is temporary.
    let passing = matches!(error.kind(), ErrorKind::Unexpected | ErrorKind::RateLimited | ErrorKind::Conflict);
    let retry = error.is_temporary() || (error.is_persistent() && passing);
    tracing::debug!(event = "storage_error", error = %error, "the archive storage refused or failed");
    if error.kind() == ErrorKind::PermissionDenied {
        return Error::storage(NotPermitted::new(Told(error)), retry);
    }
    // S3 and GCS name the bucket, Azure the container.
    if ["NoSuchBucket", "bucket does not exist", "ContainerNotFound"].iter().any(|said| error.message().contains(said))
    {
        return Error::storage(NoSuchBucket::new(Told(error)), retry);
    }
    Error::storage(Told(error), retry)
}

/// An OpenDAL error as kind, message and source, without the context of the call.
#[derive(Debug)]
struct Told(opendal::Error);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.message() {
            "" => self.0.kind().fmt(f),
            message => write!(f, "{}: {message}", self.0.kind()),
        }
    }
}

impl StdError for Told {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_of_a_call_is_not_told() {
        let error = opendal::Error::new(ErrorKind::ConfigInvalid, "the bucket is unknown")
            .with_context("response", "Parts { status: 404 }")
            .with_operation("read");
        let Error::Backend(backend) = storage_error(error) else { panic!("no failure of a part") };
        assert_eq!(backend.source.to_string(), "ConfigInvalid: the bucket is unknown");
    }
}
