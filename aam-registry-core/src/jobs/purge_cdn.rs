//! Makes a CDN forget what a change made stale or took away.

use async_trait::async_trait;

use crate::{
    error::Result,
    ports::{JobFailure, JobHandler},
    registry::Registry,
    types::{AuditEvent, Job, NewAuditEntry, NewJob, PackageName, Sha256Digest, Version},
};

/// Purges the addresses that an event is about. The registry itself answers as the event has it at once; what a CDN
/// has cached it goes on sending until then.
#[derive(Debug)]
pub(super) struct PurgeCdn {
    registry: Registry,
}

impl PurgeCdn {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry }
    }

    async fn urls(&self, event: &NewAuditEntry) -> Result<Vec<String>> {
        let Some(package) = &event.package else { return Ok(Vec::new()) };
        let archives = self.registry.archives_on_cdn(package).await?;
        let wanted = archives.into_iter().filter(|(version, _)| {
            // A yank takes no bytes away.
            takes_bytes_away(event.event) && event.version.as_ref().is_none_or(|of| *of == version.to_string())
        });
        let mut urls = metadata_paths(package, event.version.as_deref());
        urls.extend(wanted.map(|(version, sha256)| archive_path(package, &version, &sha256)));
        Ok(urls)
    }
}

/// Whether an event is about bytes that not everybody may have any more, or may have again.
fn takes_bytes_away(event: AuditEvent) -> bool {
    matches!(
        event,
        AuditEvent::VersionQuarantine
            | AuditEvent::VersionRelease
            | AuditEvent::VersionRemove
            | AuditEvent::VersionReject
            | AuditEvent::VisibilityChange
    )
}

/// The paths of documents about a package, and about one of its versions.
fn metadata_paths(package: &PackageName, version: Option<&str>) -> Vec<String> {
    let package = format!("/api/v1/packages/{package}");
    let of_package = ["", "/versions", "/tags"].map(|rest| format!("{package}{rest}"));
    let of_version =
        version.map(|version| ["", "/readme", "/files", "/download"].map(|rest| format!("{package}/{version}{rest}")));
    of_package.into_iter().chain(of_version.into_iter().flatten()).collect()
}

/// The path of an archive that clients are redirected to.
fn archive_path(package: &PackageName, version: &Version, sha256: &Sha256Digest) -> String {
    format!("/api/v1/packages/{package}/{version}/download/{sha256}")
}

#[async_trait]
impl JobHandler for PurgeCdn {
    fn kind(&self) -> &'static str {
        NewJob::CDN
    }

    fn wants(&self, event: AuditEvent) -> bool {
        takes_bytes_away(event)
            || matches!(event, AuditEvent::VersionYank | AuditEvent::VersionUnyank | AuditEvent::VersionDeprecate)
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let event = job.event()?;
        let Some((cdn, base)) = self.registry.cdn() else {
            return Err(JobFailure::new("this server is configured without a CDN that can be purged"));
        };
        let urls: Vec<_> = self.urls(&event).await?.iter().map(|path| format!("{base}{path}")).collect();
        for (part, urls) in urls.chunks(cdn.most_urls().max(1)).enumerate() {
            let purged = cdn.purge(urls, &format!("{}-{part}", job.id)).await;
            let outcome = if purged.is_ok() { "purged" } else { "failed" };
            metrics::counter!("aam_cdn_purges_total", "outcome" => outcome).increment(1);
            if let Err(failure) = purged {
                tracing::error!(
                    event = "cdn_purge_failed",
                    package = event.package.as_ref().map(tracing::field::display),
                    version = event.version,
                    cause = event.event.as_str(),
                    error = failure.message,
                    "a CDN may go on sending what was taken back; the purge is tried again"
                );
                return Err(failure);
            }
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_the_addresses_that_it_makes_stale() {
        let package: PackageName = "@acme/kit".parse().expect("a name");
        assert_eq!(
            metadata_paths(&package, Some("1.0.0")),
            [
                "/api/v1/packages/@acme/kit",
                "/api/v1/packages/@acme/kit/versions",
                "/api/v1/packages/@acme/kit/tags",
                "/api/v1/packages/@acme/kit/1.0.0",
                "/api/v1/packages/@acme/kit/1.0.0/readme",
                "/api/v1/packages/@acme/kit/1.0.0/files",
                "/api/v1/packages/@acme/kit/1.0.0/download",
            ]
        );
        assert_eq!(metadata_paths(&package, None).len(), 3);
    }
}
