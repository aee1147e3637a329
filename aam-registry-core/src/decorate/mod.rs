//! Ports that wrap a port: what they add is theirs, what they answer is what
//! the wrapped one would.

mod cached_metadata;
mod freshness;

pub use cached_metadata::{CachedMetadata, CachedMetadataBuilder, MetadataCacheConfig};
pub use freshness::{Freshness, Mark};
