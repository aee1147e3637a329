//! Archives cached in front of their store: small ones in memory, all of them on a local disk.

mod checked;
mod config;
mod disk;
mod fetch;
mod flight;
mod memory;
mod source;
mod tiers;

pub use config::ArchiveCacheConfig;
pub use source::TieredArchives;
