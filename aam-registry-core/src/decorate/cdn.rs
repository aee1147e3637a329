use std::{ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{Method, Uri, uri::Scheme};

use crate::{
    decide::Audience,
    error::{Error, Result},
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, Cdn, Clock, StoredArchive, SystemClock},
    types::{ArchiveKey, ArchiveLocation, RegistryId},
};

/// The error for an invalid base URL of a CDN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the base URL of a CDN: use one such as `https://cdn.example.com`")]
pub struct InvalidCdnBase(String);

/// Redirects the clients of another store to a CDN whose origin is this registry.
///
/// A client is redirected to `<base>/api/v1/packages/<package>/<version>/download/<sha256>`. The path
/// contains the digest of the bytes, so nothing that a CDN has cached under it can be wrong. The
/// registry sends the bytes at this path itself and never redirects, so a CDN is never redirected to
/// itself. What is not for everybody is redirected to a CDN only
/// [with a signature](Self::with_signed_urls).
///
/// ```
/// use aam_registry_core::{decorate::CdnArchives, memory::MemoryArchives};
///
/// let archives = CdnArchives::new(MemoryArchives::new(), "https://cdn.example.com")?;
/// # drop(archives);
/// # Ok::<(), aam_registry_core::decorate::InvalidCdnBase>(())
/// ```
#[derive(Clone, Debug)]
pub struct CdnArchives<S> {
    inner: S,
    /// The base URL without a slash at the end.
    base: String,
    signed: Option<Signed>,
}

/// How URLs are signed.
#[derive(Clone, Debug)]
struct Signed {
    cdn: Arc<dyn Cdn>,
    lasting: Duration,
}

impl<S: ArchiveStore> CdnArchives<S> {
    /// `base` is the URL under which the CDN serves the root of the registry. If the registry's public
    /// address has a path, `base` ends with the same path.
    ///
    /// # Errors
    /// [`InvalidCdnBase`] unless it is an `http` or `https` URL without a query.
    pub fn new(inner: S, base: &str) -> Result<Self, InvalidCdnBase> {
        let valid = base.parse::<Uri>().is_ok_and(|uri| {
            [Some(&Scheme::HTTPS), Some(&Scheme::HTTP)].contains(&uri.scheme())
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.query().is_none()
        });
        // `Uri` drops a fragment without an error.
        if !valid || base.contains('#') {
            return Err(InvalidCdnBase(base.to_owned()));
        }
        Ok(Self { inner, base: base.trim_end_matches('/').to_owned(), signed: None })
    }

    /// Signs all URLs so that the CDN answers them for at least `lasting`, and redirects private downloads there, too.
    /// The CDN has to refuse what is not signed, to leave the query out of the key of its cache, and to send the
    /// secret of [`RegistryServiceBuilder::cdn_secret`](crate::http::RegistryServiceBuilder::cdn_secret).
    #[must_use]
    pub fn with_signed_urls(mut self, cdn: Arc<dyn Cdn>, lasting: Duration) -> Self {
        self.signed = Some(Signed { cdn, lasting });
        self
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ArchiveStore> ArchiveStore for CdnArchives<S> {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        self.inner.create(key).await
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        self.inner.open(key, range).await
    }

    async fn redirect(&self, location: &ArchiveLocation, _method: &Method, audience: Audience) -> Result<Option<Uri>> {
        // Without signatures a CDN hands what it has to everybody who asks. What is withheld is never there.
        if audience != Audience::Everyone && (self.signed.is_none() || !location.status.is_open()) {
            return Ok(None);
        }
        let ArchiveLocation { package, version, sha256, .. } = location;
        let address = format!("{}/api/v1/packages/{package}/{version}/download/{sha256}", self.base);
        let signed = match &self.signed {
            Some(Signed { cdn, lasting }) => cdn.sign(&address, SystemClock.now(), *lasting)?,
            None => None,
        };
        match signed {
            None if audience != Audience::Everyone => Ok(None),
            signed => signed.unwrap_or(address).parse().map(Some).map_err(Error::internal),
        }
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        self.inner.size(key).await
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.inner.list(after, limit).await
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.inner.unfinished(after, limit).await
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        self.inner.owner().await
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        self.inner.set_owner(registry).await
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        memory::MemoryArchives,
        ports::JobFailure,
        types::{Moderation, Sha256Digest, UploadId, VersionStatus, Visibility},
    };

    crate::archive_store_conformance!(async {
        (CdnArchives::new(MemoryArchives::new(), "https://cdn.example.com").expect("a base"), ())
    });

    #[derive(Debug)]
    struct Marks;

    #[async_trait]
    impl Cdn for Marks {
        fn most_urls(&self) -> usize {
            1
        }

        async fn purge(&self, _: &[String], _: &str) -> std::result::Result<(), JobFailure> {
            Ok(())
        }

        fn sign(&self, url: &str, _: Timestamp, lasting: Duration) -> Result<Option<String>> {
            Ok(Some(format!("{url}?for={}", lasting.as_secs())))
        }
    }

    fn location(visibility: Visibility, status: VersionStatus) -> ArchiveLocation {
        ArchiveLocation {
            package: "@acme/kit".parse().expect("a name"),
            version: "1.0.0".parse().expect("a version"),
            archive: ArchiveKey::from(UploadId::generate()),
            sha256: Sha256Digest::of(b"archive"),
            size: 7,
            visibility,
            status,
        }
    }

    /// Private archives are on a CDN only with a signature, and what is withheld is never there.
    #[tokio::test]
    async fn a_private_archive_is_redirected_with_a_signature_alone() {
        let plain = CdnArchives::new(MemoryArchives::new(), "https://cdn.example.com").expect("a base");
        let signed = plain.clone().with_signed_urls(Arc::new(Marks), Duration::from_mins(5));
        let open = location(Visibility::Private, VersionStatus::OPEN);
        let withheld = VersionStatus { moderation: Moderation::Quarantined, ..VersionStatus::OPEN };
        let withheld = location(Visibility::Private, withheld);
        let redirect = async |archives: &CdnArchives<MemoryArchives>, location: &ArchiveLocation, audience| {
            archives.redirect(location, &Method::GET, audience).await.expect("asked").map(|uri| uri.to_string())
        };
        assert_eq!(redirect(&plain, &open, Audience::Private).await, None);
        let to = format!("https://cdn.example.com/api/v1/packages/@acme/kit/1.0.0/download/{}", open.sha256);
        assert_eq!(redirect(&plain, &open, Audience::Everyone).await, Some(to.clone()));
        for audience in [Audience::Private, Audience::Everyone] {
            assert_eq!(redirect(&signed, &open, audience).await, Some(format!("{to}?for=300")));
        }
        assert_eq!(redirect(&signed, &withheld, Audience::Private).await, None);
    }

    #[test]
    fn only_a_base_url_is_one() {
        for good in ["https://cdn.example.com", "http://localhost:8001/", "https://cdn.example.com/registry/"] {
            assert!(CdnArchives::new(MemoryArchives::new(), good).is_ok(), "{good}");
        }
        for bad in ["cdn.example.com", "/registry", "ftp://cdn.example.com", "https://c.example/?a", "https://c/#x", ""]
        {
            assert!(CdnArchives::new(MemoryArchives::new(), bad).is_err(), "{bad}");
        }
    }
}
