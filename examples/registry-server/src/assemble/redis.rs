//! The Redis of these settings.

use std::time::Duration;

use aam_registry_backends::{
    governor::GovernorLimiter,
    redis::{RedisConfig, RedisLimiter, RedisLink},
};
use aam_registry_core::{
    decorate::FallbackLimiter,
    registry::{Registry, RegistryBuilder},
};
use secrecy::ExposeSecret;
use tokio::time;

use super::{AssembleError, reason, rules};
use crate::config::Settings;

/// How often the database is asked which registry this is, until it says so.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The link to Redis, where there is one; it connects when it is first used
/// after [`name`] told it which registry this is.
pub(super) fn link(settings: &Settings) -> Result<Option<RedisLink>, AssembleError> {
    let Some(url) = &settings.redis_url else { return Ok(None) };
    let config = RedisConfig::new(url.0.expose_secret()).with_key_prefix(format!("{}:", settings.redis_prefix.0));
    let link = RedisLink::awaiting_registry(&config);
    link.map(Some).map_err(|error| AssembleError::Redis(reason(&error)))
}

/// Tells the link which registry this is, as soon as the database says so: it
/// may be away, or its schema behind, while the server starts.
pub(super) fn name(link: RedisLink, registry: Registry) {
    tokio::spawn(async move {
        loop {
            match registry.id().await {
                Ok(id) => return link.set_registry(id),
                Err(_) => time::sleep(ASK_EVERY).await,
            }
        }
    });
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
