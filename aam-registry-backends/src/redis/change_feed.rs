use std::sync::Arc;

use aam_registry_core::{
    Error, Result,
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};
use async_trait::async_trait;
use data_encoding::HEXLOWER;
use futures_util::stream::BoxStream;

use super::{
    RedisLink,
    message::{self, CHANNEL},
    pending::Pending,
    purpose::Purpose,
    subscription::Subscription,
};

/// Notifies replicas of changes with publish and subscribe.
///
/// Each subscriber has a connection of its own, on which it pings Redis once a second while nothing
/// arrives. A connection that is cut, even silently, is reported as [`Lost`](ChangeEvent::Lost) within
/// about three seconds, and as [`Linked`](ChangeEvent::Linked) again as soon as Redis confirms a new
/// subscription.
///
/// A change that cannot be announced because Redis does not answer is announced as soon as Redis
/// answers; several such changes are announced as a change of everything.
#[derive(Clone, Debug)]
pub struct RedisChanges {
    inner: Arc<FeedState>,
    hears_itself: bool,
}

#[derive(Debug)]
struct FeedState {
    link: RedisLink,
    /// The id of this feed in its announcements.
    sender: String,
    unannounced: Pending<Change>,
}

impl RedisChanges {
    /// A feed that uses `link`, whose subscribers receive every change.
    pub fn new(link: RedisLink) -> Self {
        let sender = HEXLOWER.encode(&rand::random::<[u8; 8]>());
        let inner = FeedState { link, sender, unannounced: Pending::default() };
        Self { inner: Arc::new(inner), hears_itself: true }
    }

    /// Makes its subscribers ignore announcements made through it and its clones: for a cache that its
    /// owner empties before announcing a change.
    #[must_use]
    pub fn without_its_own(mut self) -> Self {
        self.hears_itself = false;
        self
    }
}

impl FeedState {
    async fn tell(&self, change: &Change) -> Result<()> {
        // Wait even while Redis is down: only the request that changed something waits, not the
        // readers.
        let mut lease = self.link.insist(Purpose::Changes).await?;
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(lease.key(CHANNEL, "")).arg(message::write(&self.sender, change));
        lease.command(&publish).await
    }

    /// Announces several changes as one change of everything.
    async fn tell_all(&self, changes: &[Change]) -> Result<()> {
        match changes {
            [change] => self.tell(change).await,
            _ => self.tell(&Change::Everything).await,
        }
    }
}

#[async_trait]
impl ChangeFeed for RedisChanges {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn subscribe(&self) -> BoxStream<'static, ChangeEvent> {
        let FeedState { link, sender, .. } = &*self.inner;
        let ignored_sender = (!self.hears_itself).then(|| sender.clone());
        Subscription::new(link.clone(), ignored_sender).into_stream()
    }

    async fn announce(&self, change: &Change) -> Result<()> {
        let (inner, change) = (Arc::clone(&self.inner), change.clone());
        // Continues even if the caller has gone: the change has been committed.
        let telling = tokio::spawn(async move {
            let result = inner.tell(&change).await;
            if result.is_err() && inner.unannounced.add(change) {
                tokio::spawn(async move {
                    let inner = &inner;
                    inner.unannounced.send_until_done(|changes| async move { inner.tell_all(&changes).await }).await;
                });
            }
            result
        });
        telling.await.map_err(Error::internal)?
    }
}
