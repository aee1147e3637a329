//! Ports that wrap another implementation of the same port and answer as it would.

mod breaker;
mod cached_metadata;
mod cdn;
mod fallback_limiter;
mod freshness;
mod measured_archives;
mod meter;
mod tiered_archives;

pub use breaker::{Admission, Breaker};
pub use cached_metadata::{CachedMetadata, CachedMetadataBuilder, MetadataCacheConfig};
pub use cdn::{CdnArchives, InvalidCdnBase};
pub use fallback_limiter::FallbackLimiter;
pub use freshness::{ArchiveMark, Freshness, LocationMark, Mark};
pub use measured_archives::MeasuredArchives;
pub(crate) use meter::TierMeter;
pub use tiered_archives::{ArchiveCacheConfig, TieredArchives};
