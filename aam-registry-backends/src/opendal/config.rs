#[cfg(feature = "azblob")]
use super::AzblobConfig;
#[cfg(feature = "gcs")]
use super::GcsConfig;
#[cfg(feature = "s3")]
use super::S3Config;

/// The object store of the archives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OpendalConfig {
    /// In a bucket of S3 or of a compatible store, such as MinIO.
    #[cfg(feature = "s3")]
    S3(Box<S3Config>),
    /// In a bucket of Google Cloud Storage.
    #[cfg(feature = "gcs")]
    Gcs(Box<GcsConfig>),
    /// In a container of Azure Blob Storage.
    #[cfg(feature = "azblob")]
    Azblob(Box<AzblobConfig>),
}

#[cfg(feature = "s3")]
impl From<S3Config> for OpendalConfig {
    fn from(config: S3Config) -> Self {
        Self::S3(Box::new(config))
    }
}

#[cfg(feature = "gcs")]
impl From<GcsConfig> for OpendalConfig {
    fn from(config: GcsConfig) -> Self {
        Self::Gcs(Box::new(config))
    }
}

#[cfg(feature = "azblob")]
impl From<AzblobConfig> for OpendalConfig {
    fn from(config: AzblobConfig) -> Self {
        Self::Azblob(Box::new(config))
    }
}
