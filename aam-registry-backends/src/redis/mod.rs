//! Data that replicas share beside the database, in Redis 6 or newer: rate limits, a cache and
//! notifications of changes.
//!
//! Needs the feature `redis`.
//!
//! Everything uses one [`RedisLink`], and each part can be used without the others. Redis may lose
//! data, be slow or be unavailable: then each replica limits for itself, reads go to the database, and
//! no request waits longer than the [time-outs](RedisConfig::new) of the link. A single server with
//! optional replicas is supported, not a cluster. The Redis user needs the commands `EVALSHA`, `SCRIPT
//! LOAD`, `GET`, `MGET`, `SET`, `DEL`, `PTTL`, `PEXPIRE`, `TIME`, `INFO`, `PING`, `PUBLISH` and
//! `SUBSCRIBE`.
//!
//! Several registries may share one Redis: the keys and channels of each contain the registry's id if
//! the link [waits for it](RedisLink::awaiting_registry), or begin with a different
//! [prefix](RedisConfig::with_key_prefix).
//!
//! ```no_run
//! use aam_registry_backends::{RateLimits, redis::{RedisCache, RedisChanges, RedisConfig, RedisLimiter, RedisLink}};
//! # use aam_registry_core::{decorate::FallbackLimiter, memory::MemoryLimiter};
//!
//! # #[tokio::main]
//! # async fn main() -> aam_registry_core::Result<()> {
//! let link = RedisLink::new(&RedisConfig::new("redis://localhost:6379"))?;
//! let limiter = RedisLimiter::new(link.clone(), &RateLimits::default());
//! # let limiter_of_this_replica = MemoryLimiter::unlimited();
//! let limiter = FallbackLimiter::new(limiter, limiter_of_this_replica);
//! let cache = RedisCache::new(link.clone());
//! let changes = RedisChanges::new(link).without_its_own();
//! # Ok(())
//! # }
//! ```

mod cache;
mod change_feed;
mod config;
mod connector;
mod envelope;
mod failure;
mod lease;
mod limiter;
mod link;
mod message;
mod namespace;
mod pending;
mod purpose;
mod roots;
mod shared;
mod subscription;
mod timing;

pub use cache::RedisCache;
pub use change_feed::RedisChanges;
pub use config::RedisConfig;
pub use limiter::RedisLimiter;
pub use link::RedisLink;

pub use crate::RateLimits;
