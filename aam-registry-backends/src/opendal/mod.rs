//! Archives in object stores that [OpenDAL](https://opendal.apache.org) supports: S3 and compatible
//! stores (feature `s3`), Google Cloud Storage (`gcs`), Azure Blob Storage (`azblob`).
//!
//! Needs one of these three features.
//!
//! ```no_run
//! # #[cfg(feature = "s3")]
//! # fn example() -> aam_registry_core::Result<()> {
//! use std::time::Duration;
//!
//! use aam_registry_backends::opendal::{OpendalArchives, S3Config};
//!
//! let config = S3Config::new("archives")
//!     .with_endpoint("http://minio:9000")
//!     .with_public_endpoint("https://files.example.com")
//!     .with_credentials("access-key", "secret-key".into());
//! let archives = OpendalArchives::new(&config.into())?.with_presigned_redirects(Duration::from_mins(15))?;
//! # drop(archives);
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "azblob")]
mod azblob;
mod config;
mod failure;
#[cfg(feature = "gcs")]
mod gcs;
mod links;
mod listing;
mod objects;
mod patience;
mod remote;
mod remote_writer;
#[cfg(feature = "s3")]
mod s3;
mod store;
mod transport;

#[cfg(feature = "azblob")]
pub use azblob::AzblobConfig;
pub use config::OpendalConfig;
#[cfg(feature = "gcs")]
pub use gcs::GcsConfig;
pub use objects::{ObjectWriter, OpendalObjects, StoredObject};
pub use patience::Patience;
#[cfg(feature = "s3")]
pub use s3::S3Config;
pub use store::OpendalArchives;
