//! The archive store that the settings select.

use std::{sync::Arc, time::Duration};

#[cfg(feature = "azblob")]
use aam_registry_backends::opendal::AzblobConfig;
#[cfg(feature = "gcs")]
use aam_registry_backends::opendal::GcsConfig;
use aam_registry_backends::{
    folder::FolderArchives,
    opendal::{OpendalArchives, OpendalConfig, OpendalObjects, S3Config},
    outgoing::Outgoing,
};
use aam_registry_core::{
    Error,
    decorate::{ArchiveCacheConfig, CdnArchives, MeasuredArchives, TieredArchives},
    memory::MemoryArchives,
    ports::ArchiveStore,
    registry::RegistryBuilder,
};
use secrecy::ExposeSecret;

use super::{AssembleError, Purpose, cause, cdn, outgoing};
use crate::{
    config::{DownloadRedirect, Endpoint, SecretKey, Settings, StorageBackend},
    remedy,
};

/// How long a presigned link is valid. It only has to be valid when the download begins; the download
/// itself may take longer.
const LINK_LIFETIME: Duration = Duration::from_mins(5);

/// Opens the archive store and adds it to `builder`.
pub(super) fn add(
    builder: RegistryBuilder,
    settings: &Settings,
    purpose: Purpose,
) -> Result<RegistryBuilder, AssembleError> {
    if matches!(purpose, Purpose::Create | Purpose::Command) {
        // A command on accounts reads no archive: it needs no archive store and creates none.
        return Ok(builder.archives(MemoryArchives::new()));
    }
    let outgoing = outgoing::of(settings)?;
    let object_store = |config: &OpendalConfig| {
        let opened = OpendalArchives::new(config).and_then(|archives| match settings.download_redirect {
            DownloadRedirect::Presigned => archives.with_presigned_redirects(LINK_LIFETIME),
            DownloadRedirect::Off | DownloadRedirect::Cdn => Ok(archives),
        });
        opened.map_err(|error| unusable(settings, &error))
    };
    match settings.storage_backend {
        StorageBackend::Memory => add_store(builder, settings, purpose, MemoryArchives::new()),
        StorageBackend::Local => {
            let opened = FolderArchives::open(&settings.storage_path).map_err(|error| unusable(settings, &error))?;
            add_store(builder, settings, purpose, opened)
        }
        StorageBackend::S3 => {
            let key = settings.aws_access_key_id.as_ref().zip(settings.aws_secret_access_key.as_ref());
            let config = s3(settings, outgoing, settings.s3_endpoint_url.as_ref(), key);
            add_store(builder, settings, purpose, object_store(&config)?)
        }
        StorageBackend::Minio => {
            let key = settings.minio_access_key.as_ref().zip(settings.minio_secret_key.as_ref());
            let config = s3(settings, outgoing, settings.minio_endpoint.as_ref(), key);
            add_store(builder, settings, purpose, object_store(&config)?)
        }
        #[cfg(feature = "gcs")]
        StorageBackend::Gcs => add_store(builder, settings, purpose, object_store(&gcs(settings, outgoing))?),
        #[cfg(feature = "azblob")]
        StorageBackend::Azblob => add_store(builder, settings, purpose, object_store(&azblob(settings, outgoing))?),
        #[cfg(not(all(feature = "gcs", feature = "azblob")))]
        other => Err(AssembleError::Storage(format!("this server was built without {other:?}"))),
    }
}

/// The archive store by itself, for a command that copies all of it. A folder has to exist.
///
/// # Errors
/// If it cannot be opened, or keeps archives only in memory.
pub(crate) fn archive_store(settings: &Settings) -> Result<Arc<dyn ArchiveStore>, AssembleError> {
    require_folder(settings)?;
    new_archive_store(settings)
}

/// The same, which makes the folder if there is none.
///
/// # Errors
/// As [`archive_store`].
pub(crate) fn new_archive_store(settings: &Settings) -> Result<Arc<dyn ArchiveStore>, AssembleError> {
    let config = match settings.storage_backend {
        StorageBackend::Memory => {
            let reason = "archives that are kept in memory are gone with the server (STORAGE_BACKEND)".to_owned();
            return Err(AssembleError::Storage(reason));
        }
        StorageBackend::Local => {
            let opened = FolderArchives::open(&settings.storage_path).map_err(|error| unusable(settings, &error))?;
            return Ok(Arc::new(opened));
        }
        StorageBackend::S3 | StorageBackend::Minio => {
            let prefix = settings.s3_prefix.as_ref().map(|prefix| prefix.0.as_str());
            bucket(settings, settings.s3_bucket.as_ref().map_or("", |bucket| &bucket.0), prefix)?
        }
        #[cfg(feature = "gcs")]
        StorageBackend::Gcs => gcs(settings, outgoing::of(settings)?),
        #[cfg(feature = "azblob")]
        StorageBackend::Azblob => azblob(settings, outgoing::of(settings)?),
        #[cfg(not(all(feature = "gcs", feature = "azblob")))]
        other => return Err(AssembleError::Storage(format!("this server was built without {other:?}"))),
    };
    Ok(Arc::new(OpendalArchives::new(&config).map_err(|error| unusable(settings, &error))?))
}

/// The objects of a bucket that is reached as that of the archives is, or as the settings of S3 say.
///
/// # Errors
/// If the name or the prefix is none.
pub(crate) fn bucket_objects(settings: &Settings, name: &str, prefix: &str) -> Result<OpendalObjects, AssembleError> {
    let config = bucket(settings, name, Some(prefix).filter(|prefix| !prefix.is_empty()))?;
    OpendalObjects::new(&config).map_err(|error| AssembleError::Storage(cause(&error)))
}

/// A bucket of S3 or, where the archives are in MinIO or only that is configured, of MinIO.
fn bucket(settings: &Settings, name: &str, prefix: Option<&str>) -> Result<OpendalConfig, AssembleError> {
    let is_minio = settings.storage_backend == StorageBackend::Minio
        || (settings.s3_endpoint_url.is_none() && settings.minio_endpoint.is_some());
    let (endpoint, public, secret) = if is_minio {
        (&settings.minio_endpoint, &settings.minio_access_key, &settings.minio_secret_key)
    } else {
        (&settings.s3_endpoint_url, &settings.aws_access_key_id, &settings.aws_secret_access_key)
    };
    let config = S3Config::new(name).with_region(&settings.s3_region.0).with_outgoing(outgoing::of(settings)?);
    let config = endpoint.iter().fold(config, |config, endpoint| config.with_endpoint(&endpoint.0));
    let config = prefix.iter().fold(config, |config, prefix| config.with_prefix(*prefix));
    let keys = public.iter().zip(secret);
    let config = keys
        .fold(config, |config, (public, secret)| config.with_credentials(public.0.expose_secret(), secret.0.clone()));
    Ok(config.into())
}

/// Adds an opened store and, if this is to serve, the caches before it.
fn add_store<S: ArchiveStore + Clone>(
    mut builder: RegistryBuilder,
    settings: &Settings,
    purpose: Purpose,
    archives: S,
) -> Result<RegistryBuilder, AssembleError> {
    let archives = MeasuredArchives::new(archives);
    if purpose == Purpose::Serve {
        let cached = cached(archives.clone(), settings).map_err(|error| unusable(settings, &error))?;
        builder = builder.archive_source(cached);
    }
    if settings.download_redirect != DownloadRedirect::Cdn {
        return Ok(builder.archives(archives));
    }
    let base = settings.cdn_base_url.as_ref().map_or("", |url| url.as_str());
    let cdn = CdnArchives::new(archives, base).map_err(|error| AssembleError::Storage(error.to_string()))?;
    Ok(match cdn::signing(settings)? {
        Some(signing) => builder.archives(cdn.with_signed_urls(signing, LINK_LIFETIME)),
        None => builder.archives(cdn),
    })
}

fn unusable(settings: &Settings, error: &Error) -> AssembleError {
    let reason = remedy::with(cause(error), remedy::for_storage(settings, error));
    match settings.storage_backend {
        StorageBackend::Local => AssembleError::Folder { path: settings.storage_path.clone(), reason },
        _ => AssembleError::Storage(reason),
    }
}

/// Requires that the folder of the archives exists, if they are stored in a folder: a command that
/// looks for archives must not create an empty folder and find nothing in it.
///
/// # Errors
/// If there is no such folder.
pub(super) fn require_folder(settings: &Settings) -> Result<(), AssembleError> {
    if settings.storage_backend != StorageBackend::Local || settings.storage_path.is_dir() {
        return Ok(());
    }
    let reason = "there is no such folder; where it lies on a disk of its own, see that this is mounted".to_owned();
    Err(AssembleError::Folder { path: settings.storage_path.clone(), reason })
}

/// The archive caches. With the cache turned off nothing is cached, but archives are still checked
/// while they are sent.
fn cached<S: ArchiveStore + Clone>(archives: S, settings: &Settings) -> Result<TieredArchives<S>, Error> {
    if !settings.cache_enabled.is_on() {
        return TieredArchives::start(archives, &ArchiveCacheConfig::default().with_memory(0));
    }
    let config = ArchiveCacheConfig::default().with_memory(settings.archive_cache_memory.0);
    let is_far = !matches!(settings.storage_backend, StorageBackend::Local | StorageBackend::Memory);
    if !is_far || settings.archive_cache_disk.0 == 0 {
        return TieredArchives::start(archives, &config);
    }
    let on_disk = config.clone().with_disk(&settings.archive_cache_path, settings.archive_cache_disk.0);
    TieredArchives::start(archives.clone(), &on_disk).or_else(|error| {
        // A server without its archive cache still works.
        tracing::warn!(
            event = "archive_cache_failed",
            path = %settings.archive_cache_path.display(),
            error = &error as &dyn std::error::Error,
            "archives are not cached on disk; set ARCHIVE_CACHE_PATH to another folder, or turn the cache off with ARCHIVE_CACHE_DISK=0",
        );
        TieredArchives::start(archives, &config)
    })
}

fn s3(
    settings: &Settings,
    outgoing: Outgoing,
    endpoint: Option<&Endpoint>,
    key: Option<(&SecretKey, &SecretKey)>,
) -> OpendalConfig {
    let bucket = settings.s3_bucket.as_ref().map_or("", |bucket| &bucket.0);
    let mut config = S3Config::new(bucket).with_region(&settings.s3_region.0).with_outgoing(outgoing);
    if let Some(endpoint) = endpoint {
        config = config.with_endpoint(&endpoint.0);
    }
    if let Some(endpoint) = &settings.s3_public_endpoint_url {
        config = config.with_public_endpoint(&endpoint.0);
    }
    if let Some(prefix) = &settings.s3_prefix {
        config = config.with_prefix(&prefix.0);
    }
    if let Some((public, secret)) = key {
        config = config.with_credentials(public.0.expose_secret(), secret.0.clone());
    }
    config.into()
}

#[cfg(feature = "gcs")]
fn gcs(settings: &Settings, outgoing: Outgoing) -> OpendalConfig {
    let mut config =
        GcsConfig::new(settings.gcs_bucket.as_ref().map_or("", |bucket| &bucket.0)).with_outgoing(outgoing);
    if let Some(prefix) = &settings.gcs_prefix {
        config = config.with_prefix(&prefix.0);
    }
    if let Some(credential) = &settings.gcs_credential {
        config = config.with_credential(credential.0.clone());
    }
    config.into()
}

#[cfg(feature = "azblob")]
fn azblob(settings: &Settings, outgoing: Outgoing) -> OpendalConfig {
    let account = settings.azblob_account.as_ref().map_or("", |account| &account.0);
    let container = settings.azblob_container.as_ref().map_or("", |container| &container.0);
    let mut config = AzblobConfig::new(account, container).with_outgoing(outgoing);
    if let Some(prefix) = &settings.azblob_prefix {
        config = config.with_prefix(&prefix.0);
    }
    if let Some(key) = &settings.azblob_account_key {
        config = config.with_account_key(key.0.clone());
    }
    config.into()
}
