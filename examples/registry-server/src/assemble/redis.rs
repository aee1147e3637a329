//! The Redis of these settings.

use aam_registry_backends::{
    governor::GovernorLimiter,
    redis::{RedisConfig, RedisLimiter, RedisLink},
};
use aam_registry_core::{decorate::FallbackLimiter, registry::RegistryBuilder};
use secrecy::ExposeSecret;

use super::{AssembleError, reason, rules};
use crate::config::Settings;

/// The link to Redis, where there is one; it connects when it is first used.
pub(super) fn link(settings: &Settings) -> Result<Option<RedisLink>, AssembleError> {
    let Some(url) = &settings.redis_url else { return Ok(None) };
    let link = RedisLink::new(&RedisConfig::new(url.0.expose_secret()));
    link.map(Some).map_err(|error| AssembleError::Redis(reason(&error)))
}

/// Gives `builder` what limits requests: across replicas by Redis, in this process where there is none or it fails.
pub(super) fn add_limiter(builder: RegistryBuilder, settings: &Settings, redis: Option<&RedisLink>) -> RegistryBuilder {
    let limits = rules::rate_limits(settings);
    let own = GovernorLimiter::new(&limits);
    match redis {
        Some(link) => builder.rate_limiter(FallbackLimiter::new(RedisLimiter::new(link.clone(), &limits), own)),
        None => builder.rate_limiter(own),
    }
}
