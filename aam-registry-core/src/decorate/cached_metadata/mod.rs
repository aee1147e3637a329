//! Metadata reads cached for as long as nothing changed.

mod accounts;
mod config;
mod counters;
mod entries;
mod jobs;
mod kept;
mod lookup;
mod outage;
mod packages;
mod store;
mod stored;
mod writes;

pub use config::MetadataCacheConfig;
pub use store::{CachedMetadata, CachedMetadataBuilder};
