use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use aam_registry_core::{
    Error, Result,
    decorate::{Admission, Breaker},
    types::RegistryId,
};
use bb8_redis::{
    RedisConnectionManager,
    bb8::{Pool, RunError},
};
use data_encoding::HEXLOWER;
use redis::{Client, ErrorKind, RedisError};

use super::{
    RedisConfig,
    connector::{Connector, Era, LastTrouble, timed_out},
    failure,
    lease::{Held, Lease},
    namespace::Namespace,
    purpose::Purpose,
    shared::SharedConnection,
};

/// How long the key that a health check writes is kept.
const CHECK_LIFE: Duration = Duration::from_secs(10);

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
pub struct RedisLink(pub(super) Arc<Inner>);

pub(super) struct Inner {
    client: Client,
    namespace: Namespace,
    connect_timeout: Duration,
    shared: SharedConnection,
    pool: Pool<Connector>,
    pool_size: u32,
    pool_trouble: LastTrouble,
    breaker: Breaker,
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
        Ok(Self(Arc::new(Inner {
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

    /// Whether Redis stores a value, tested by writing one: a Redis that is out of memory or read-only
    /// still answers.
    ///
    /// # Errors
    /// A backend error of kind cache.
    pub async fn check(&self) -> Result<()> {
        let mut lease = self.insist(Purpose::Check).await?;
        let (key, written) = (lease.key("check:", ""), HEXLOWER.encode(&rand::random::<[u8; 8]>()));
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(&written).arg("PX").arg(CHECK_LIFE.as_millis());
        // Another replica may write the same key, so its value is not compared.
        let () = lease.command(&set).await?;
        let read: Option<String> = lease.command(redis::cmd("GET").arg(&key)).await?;
        read.map(drop).ok_or_else(|| Error::cache("redis did not keep what was written a moment ago", true))
    }

    /// Tests whether Redis answers at all.
    async fn probe(&self) -> Result<()> {
        let mut lease = self.insist(Purpose::Check).await?;
        lease.command(&redis::cmd("PING")).await
    }

    /// A connection for one call; fails if Redis failed a moment ago.
    pub(super) async fn lease(&self, purpose: Purpose) -> Result<Lease<'_>> {
        match self.0.breaker.admit() {
            Admission::Through => return self.insist(purpose).await,
            Admission::Refused => {}
            Admission::Probe => {
                let link = self.clone();
                // The outcome is recorded; no caller waits for it.
                tokio::spawn(async move { link.probe().await });
            }
        }
        Err(Error::cache("redis was out a moment ago", true))
    }

    /// A connection for one call that waits even if Redis failed a moment ago.
    pub(super) async fn insist(&self, purpose: Purpose) -> Result<Lease<'_>> {
        let Some(prefix) = self.0.namespace.get() else {
            return Err(Error::cache("the database has not told yet which registry this is", true));
        };
        let held = if purpose.may_be_large() {
            self.0.pool.get().await.map(Held::Pooled).map_err(|error| self.no_connection(error))
        } else {
            self.0.shared.get().await.map(Held::Shared).map_err(Some)
        };
        match held {
            Ok(held) => Ok(Lease { link: self, purpose, prefix, held }),
            Err(Some(error)) => Err(self.failed(purpose, error)),
            Err(None) => {
                failure::count(purpose);
                Err(Error::cache("every connection to redis is in use", true))
            }
        }
    }

    /// Why the pool had no connection; `None` if all are in use.
    fn no_connection(&self, error: RunError<RedisError>) -> Option<RedisError> {
        let trouble = self.0.pool_trouble.take();
        match error {
            RunError::User(error) => Some(error),
            RunError::TimedOut if self.0.pool.state().connections >= self.0.pool_size => None,
            RunError::TimedOut => Some(trouble.unwrap_or_else(timed_out)),
        }
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

    fn failed(&self, purpose: Purpose, error: RedisError) -> Error {
        failure::count(purpose);
        if self.0.breaker.failed() {
            tracing::warn!(
                event = "redis_failed",
                purpose = purpose.as_str(),
                error = &error as &dyn StdError,
                "redis does not answer; continuing without it until it does",
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
