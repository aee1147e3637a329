use std::sync::Arc;

use aam_registry_core::{
    Error, Result,
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};
use async_trait::async_trait;
use data_encoding::HEXLOWER;
use futures_util::stream::BoxStream;

use super::{RedisLink, arrears::Arrears, message, purpose::Purpose, subscription::Subscription};

/// What the channel is called behind the prefix of the link.
pub(super) const CHANNEL: &str = "changes";

/// Carries word of changes between replicas by publish and subscribe.
///
/// Each subscriber has a connection of its own, over which it asks once a
/// second whether Redis is still there: a link that was cut, also silently, is
/// [`Lost`](ChangeEvent::Lost) within some three seconds, and
/// [`Linked`](ChangeEvent::Linked) again as soon as Redis confirms a new
/// subscription.
///
/// A change that could not be announced, since Redis did not answer, is
/// announced as soon as it does, several of them as one of everything.
#[derive(Clone, Debug)]
pub struct RedisChanges {
    inner: Arc<Inner>,
    hears_itself: bool,
}

#[derive(Debug)]
struct Inner {
    link: RedisLink,
    /// Names this feed in what it announces.
    sender: String,
    untold: Arrears<Change>,
}

impl RedisChanges {
    /// A feed at the end of `link`, whose subscribers hear of every change.
    pub fn new(link: RedisLink) -> Self {
        let sender = HEXLOWER.encode(&rand::random::<[u8; 8]>());
        let inner = Inner { link, sender, untold: Arrears::default() };
        Self { inner: Arc::new(inner), hears_itself: true }
    }

    /// Its subscribers hear nothing of what is announced through it and its
    /// clones: for a cache whose owner empties it before announcing.
    #[must_use]
    pub fn without_its_own(mut self) -> Self {
        self.hears_itself = false;
        self
    }
}

impl Inner {
    async fn tell(&self, change: &Change) -> Result<()> {
        // Worth a wait also while Redis is out: who changed something waits, not who reads.
        let mut lease = self.link.insist(Purpose::Changes).await?;
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(lease.key(CHANNEL, "")).arg(message::write(&self.sender, change));
        lease.command(&publish).await
    }

    /// Tells of several changes as of one of everything.
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
        let Inner { link, sender, .. } = &*self.inner;
        let deaf_to = (!self.hears_itself).then(|| sender.clone());
        Subscription::new(link.clone(), deaf_to).into_stream()
    }

    async fn announce(&self, change: &Change) -> Result<()> {
        let (inner, change) = (Arc::clone(&self.inner), change.clone());
        // Goes on where the caller goes away: the change has been made.
        let telling = tokio::spawn(async move {
            let result = inner.tell(&change).await;
            if result.is_err() && inner.untold.add(change) {
                tokio::spawn(async move {
                    let inner = &inner;
                    inner.untold.make_up(|changes| async move { inner.tell_all(&changes).await }).await;
                });
            }
            result
        });
        telling.await.map_err(Error::internal)?
    }
}
