use std::path::PathBuf;

#[cfg(feature = "azblob")]
use super::AzblobConfig;
#[cfg(feature = "gcs")]
use super::GcsConfig;
#[cfg(feature = "s3")]
use super::S3Config;

/// Where archives are stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OpendalConfig {
    /// In a local folder.
    Fs {
        /// The folder; created if it does not exist.
        root: PathBuf,
    },
    /// In memory, until the process ends.
    Memory,
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

impl OpendalConfig {
    /// A local folder.
    pub fn fs(root: impl Into<PathBuf>) -> Self {
        Self::Fs { root: root.into() }
    }
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
