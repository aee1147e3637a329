//! The Redis that the settings select.

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

/// How often the database is asked for the registry's id until it answers.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The link to Redis, if Redis is configured. It connects when it is first used after [`name`] has set
/// the registry's id.
pub(super) fn link(settings: &Settings) -> Result<Option<RedisLink>, AssembleError> {
    let Some(url) = &settings.redis_url else { return Ok(None) };
    let mut config = RedisConfig::new(url.0.expose_secret()).with_key_prefix(format!("{}:", settings.redis_prefix.0));
    if let Some(bundle) = &settings.ca_bundle {
        config = config.with_more_root_certificates(&*bundle.0);
    }
    let link = RedisLink::awaiting_registry(&config);
    link.map(Some).map_err(|error| AssembleError::Redis(reason(&error)))
}

/// Sets the registry's id on the link as soon as the database provides it: at the start the database
/// may be unavailable, or its schema not migrated yet.
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

/// Adds the rate limiter to `builder`: Redis if configured, shared by all replicas; this process's own
/// without Redis or while it fails.
pub(super) fn add_limiter(builder: RegistryBuilder, settings: &Settings, redis: Option<&RedisLink>) -> RegistryBuilder {
    let limits = rules::rate_limits(settings);
    let own = GovernorLimiter::new(&limits);
    match redis {
        Some(link) => builder.rate_limiter(FallbackLimiter::new(RedisLimiter::new(link.clone(), &limits), own)),
        None => builder.rate_limiter(own),
    }
}
