use std::sync::Arc;

use aam_registry_core::{Error, Result};
use opendal::{
    Operator,
    services::{Fs, Memory},
};

#[cfg(feature = "remote")]
use super::remote::Remote;
use super::{
    OpendalConfig,
    failure::{folder_error, storage_error},
    folder::Folder,
};

/// The store of the archives.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Folder(Operator, Arc<Folder>),
    Memory(Operator),
    #[cfg(feature = "remote")]
    Remote(Arc<Remote>),
}

impl Place {
    pub(super) fn new(config: &OpendalConfig) -> Result<Self> {
        opendal::install_default();
        match config {
            OpendalConfig::Fs { root } => {
                let folder = Folder::create(root).map_err(folder_error)?;
                // OpenDAL takes the path as text; converting it lossily could name another folder.
                let root = folder.root().to_str().ok_or_else(|| {
                    let reason = format!("the path {} is not UTF-8; set STORAGE_PATH to one that is", root.display());
                    Error::storage(reason, false)
                })?;
                let service = Fs::default().root(root);
                Ok(Self::Folder(Operator::new(service).map_err(storage_error)?, Arc::new(folder)))
            }
            OpendalConfig::Memory => Operator::new(Memory::default()).map(Self::Memory).map_err(storage_error),
            #[cfg(feature = "s3")]
            OpendalConfig::S3(config) => super::s3::connect(config).map(Self::remote),
            #[cfg(feature = "gcs")]
            OpendalConfig::Gcs(config) => config.connect().map(Self::remote),
            #[cfg(feature = "azblob")]
            OpendalConfig::Azblob(config) => config.connect().map(Self::remote),
        }
    }

    #[cfg(feature = "remote")]
    fn remote(remote: Remote) -> Self {
        Self::Remote(Arc::new(remote))
    }

    /// The operator for reading, listing and deleting.
    pub(super) fn operator(&self) -> &Operator {
        match self {
            Self::Folder(operator, _) | Self::Memory(operator) => operator,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => &remote.reading,
        }
    }
}
