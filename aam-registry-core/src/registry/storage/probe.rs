use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::error::{BackendError, DiskError, DiskTrouble, Error, NotPermitted, with_causes};

/// What came of the last probe of the archive store.
#[derive(Clone, Debug, Default)]
pub(in crate::registry) struct StorageProbe(pub(super) Arc<Mutex<Option<Probed>>>);

#[derive(Debug)]
pub(super) struct Probed {
    pub(super) at: Timestamp,
    pub(super) good_for: Duration,
    pub(super) trouble: Option<Trouble>,
}

/// A failure that can be told again.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    retry: bool,
    disk: Option<DiskTrouble>,
    is_denied: bool,
    reason: String,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Backend(BackendError { retry, source, .. }) => Self {
                retry,
                disk: DiskTrouble::behind(&*source),
                is_denied: source.is::<NotPermitted>(),
                reason: with_causes(&*source),
            },
            other => Self { retry: false, disk: None, is_denied: false, reason: other.to_string() },
        }
    }
}

impl From<Trouble> for Error {
    fn from(Trouble { retry, disk, is_denied, reason }: Trouble) -> Self {
        match disk {
            None if is_denied => Self::storage(NotPermitted::new(reason), retry),
            Some(disk) => Self::storage(DiskError::new(disk, reason), retry),
            None => Self::storage(reason, retry),
        }
    }
}
