use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use aam_registry_core::{Error, Result, decorate::Breaker, types::RegistryId};
use bb8_redis::{RedisConnectionManager, bb8::Pool};
use redis::{Client, ErrorKind, RedisError};

use super::{
    RedisConfig,
    connector::{Connector, Era, LastTrouble},
    failure,
    namespace::Namespace,
    purpose::Purpose,
    shared::SharedConnection,
};

/// A link to one Redis that limiter, cache and change feed share; cheap to clone.
///
/// It connects when it is needed and not connected. After a failure, calls fail at once for a while,
/// and then one test at a time in the background finds out whether Redis is back. So a Redis that is
/// down or slow delays only the calls in progress when that is noticed.
///
/// Small commands of all callers are pipelined on one connection. With 64 callers this limits more than
/// twice as many requests a second as a pool of 8, where each call takes a connection, tests it and
/// waits for its own answer. Commands that may be large use a connection of the pool, so that no small
/// command waits behind them.
#[derive(Clone)]
pub struct RedisLink(pub(super) Arc<LinkState>);

pub(super) struct LinkState {
    client: Client,
    pub(super) namespace: Namespace,
    connect_timeout: Duration,
    pub(super) shared: SharedConnection,
    pub(super) pool: Pool<Connector>,
    pub(super) pool_size: u32,
    pub(super) pool_trouble: LastTrouble,
    pub(super) breaker: Breaker,
    era: Arc<Era>,
}

impl RedisLink {
    /// A link with `config`, which is checked; Redis is not contacted. Keys and channels begin with the
    /// prefix of `config` only.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the configuration is not valid.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(config: &RedisConfig) -> Result<Self> {
        Self::in_namespace(config, Namespace::known(config.key_prefix()))
    }

    /// A link for a registry whose id is not known yet. The id is part of every key and channel, so
    /// Redis is not used until [`set_registry`](Self::set_registry) provides it.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the configuration is not valid.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn awaiting_registry(config: &RedisConfig) -> Result<Self> {
        Self::in_namespace(config, Namespace::awaiting_registry(config.key_prefix()))
    }

    /// Sets the registry's id. Only the first call has an effect.
    pub fn set_registry(&self, id: RegistryId) {
        self.0.namespace.set_registry(id);
    }

    fn in_namespace(config: &RedisConfig, namespace: Namespace) -> Result<Self> {
        let client = config.client()?;
        failure::begin_at_zero();
        let era = Arc::new(Era::default());
        let manager = RedisConnectionManager::new(client.get_connection_info().clone())
            .map_err(|error| Error::invalid_request(format!("The Redis URL is not valid: {error}")))?;
        let connector = Connector {
            manager,
            connect_timeout: config.connect_timeout(),
            response_timeout: config.response_timeout(),
            // So that there is time to try a second connection before the time-out for getting one.
            check_timeout: config.acquire_timeout().min(config.response_timeout()) / 2,
            era: Arc::clone(&era),
        };
        let pool_trouble = LastTrouble::default();
        let pool = Pool::builder()
            .max_size(config.pool_size())
            .connection_timeout(config.acquire_timeout())
            .test_on_check_out(true)
            .error_sink(Box::new(pool_trouble.clone()))
            .build_unchecked(connector);
        let shared = SharedConnection::new(pool.clone(), Arc::clone(&era), config.acquire_timeout());
        Ok(Self(Arc::new(LinkState {
            client,
            namespace,
            connect_timeout: config.connect_timeout(),
            shared,
            pool,
            pool_size: config.pool_size(),
            pool_trouble,
            breaker: Breaker::new(config.pause()),
            era,
        })))
    }

    /// Records that Redis executed a command.
    pub(super) fn succeeded(&self) {
        if self.0.breaker.succeeded() {
            tracing::info!(event = "redis_recovered", "redis answers again");
        }
    }

    /// Records that a command failed on a connection of `era`.
    pub(super) fn command_failed(&self, purpose: Purpose, error: RedisError, era: u64) -> Error {
        // Any answer, even a refusal, shows that the connection works.
        if failure::is_answer(&error) {
            failure::count(purpose);
            return Error::cache(error, false);
        }
        self.0.era.end(era);
        self.failed(purpose, error)
    }

    /// Records that Redis could not be used.
    pub(super) fn failed(&self, purpose: Purpose, error: RedisError) -> Error {
        failure::count(purpose);
        if self.0.breaker.failed() {
            tracing::warn!(
                event = "redis_failed",
                purpose = purpose.as_str(),
                error = &error as &dyn StdError,
                "redis cannot be used, and the registry goes on without it until it can: {}",
                failure::remedy(&error),
            );
        }
        let retry = error.kind() != ErrorKind::InvalidClientConfig;
        Error::cache(error, retry)
    }

    /// The prefix of its keys and channels, once it is known.
    pub(super) fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.0.connect_timeout
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLink")
            .field("address", &self.0.client.get_connection_info().addr().to_string())
            .field("prefix", &self.0.namespace.get())
            .finish_non_exhaustive()
    }
}
