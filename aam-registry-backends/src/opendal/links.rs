use std::time::Duration;

use aam_registry_core::{Error, Result, decide::Audience, types::ArchiveLocation};
use http::{Method, Uri};
use opendal::Operator;

use super::{failure::storage_error, remote::GZIP};

/// How long a link is good at most that not everybody may have: nobody keeps the redirect to it, and whoever has the
/// link needs nothing else.
const UNSHARED: Duration = Duration::from_mins(2);

/// Creates links with which clients download archives directly from the store.
#[derive(Clone, Debug)]
pub(super) struct PresignedLinks {
    operator: Operator,
    expiry: Duration,
}

impl PresignedLinks {
    /// # Errors
    /// If `expiry` is out of range, or the store cannot create presigned links.
    pub(super) fn new(operator: Operator, expiry: Duration) -> Result<Self> {
        // Clients may cache the redirect for a minute; signatures of S3 are valid for a week at most.
        if !(Duration::from_mins(2)..=Duration::from_hours(7 * 24)).contains(&expiry) {
            let reason = format!("presigned links that are good for {expiry:?}: use 2 minutes to 7 days");
            return Err(Error::storage(reason, false));
        }
        let able = operator.info().capability();
        if able.presign_read && able.presign_stat { Ok(Self { operator, expiry }) } else { Err(no_links()) }
    }

    /// A link to the archive at `location` for one method. The store serves it with the content type
    /// and the file name that the registry would send.
    pub(super) async fn link(&self, location: &ArchiveLocation, method: &Method, audience: Audience) -> Result<Uri> {
        let expiry = if audience == Audience::Everyone { self.expiry } else { self.expiry.min(UNSHARED) };
        let path = location.archive.as_str();
        let disposition = format!("attachment; filename=\"{}\"", location.file_name());
        let able = self.operator.info().capability();
        let request = if method == Method::HEAD {
            let mut link = self.operator.presign_stat_with(path, expiry);
            if able.stat_with_override_content_type && able.stat_with_override_content_disposition {
                link = link.override_content_type(GZIP).override_content_disposition(&disposition);
            }
            link.await
        } else {
            let mut link = self.operator.presign_read_with(path, expiry);
            if able.read_with_override_content_type && able.read_with_override_content_disposition {
                link = link.override_content_type(GZIP).override_content_disposition(&disposition);
            }
            link.await
        };
        request.map(|request| request.uri().clone()).map_err(storage_error)
    }
}

fn no_links() -> Error {
    Error::storage("this storage makes no presigned links; turn DOWNLOAD_REDIRECT off or use S3", false)
}
