use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bb8_redis::bb8::Pool;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use redis::RedisResult;
use tokio::time::timeout;

use super::connector::{Connection, Connector, Era, timed_out};

/// The connection that all callers use for small commands.
///
/// The crate's `ConnectionManager` is similar, but keeps a connection on which commands time out: if
/// the connection was cut silently, it would fail until the kernel gives it up, after a quarter of an
/// hour.
pub(super) struct SharedConnection {
    pool: Pool<Connector>,
    era: Arc<Era>,
    acquire_timeout: Duration,
    slot: RwLock<Option<Slot>>,
}

type Connecting = Shared<BoxFuture<'static, RedisResult<Connection>>>;

struct Slot {
    era: u64,
    connecting: Connecting,
}

impl SharedConnection {
    pub(super) fn new(pool: Pool<Connector>, era: Arc<Era>, acquire_timeout: Duration) -> Self {
        Self { pool, era, acquire_timeout, slot: RwLock::new(None) }
    }

    /// The connection; opened if there is none.
    pub(super) async fn get(&self) -> RedisResult<Connection> {
        let connecting = self.usable().unwrap_or_else(|| self.connect());
        timeout(self.acquire_timeout, connecting).await.unwrap_or_else(|_| Err(timed_out()))
    }

    fn usable(&self) -> Option<Connecting> {
        self.slot.read().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|slot| self.usable_of(slot))
    }

    fn usable_of(&self, slot: &Slot) -> Option<Connecting> {
        let failed = matches!(slot.connecting.peek(), Some(Err(_)));
        (slot.era == self.era.now() && !failed).then(|| slot.connecting.clone())
    }

    fn connect(&self) -> Connecting {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        // Another caller may have opened it in the meantime.
        if let Some(connecting) = slot.as_ref().and_then(|slot| self.usable_of(slot)) {
            return connecting;
        }
        let pool = self.pool.clone();
        let connecting = async move { pool.dedicated_connection().await }.boxed().shared();
        // Connecting continues if all callers that wait for it give up.
        tokio::spawn(connecting.clone());
        *slot = Some(Slot { era: self.era.now(), connecting: connecting.clone() });
        connecting
    }
}

impl fmt::Debug for SharedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedConnection").field("acquire_timeout", &self.acquire_timeout).finish_non_exhaustive()
    }
}
