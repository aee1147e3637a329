use std::future;

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{
    error::Result,
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};

/// How many changes a subscriber may be behind before it is told that
/// anything may have changed.
const MOST_BEHIND: usize = 1024;

/// Carries word of changes within this process, to the subscribers of every clone.
#[derive(Clone, Debug)]
pub struct MemoryChanges {
    sender: broadcast::Sender<Change>,
}

impl MemoryChanges {
    /// A feed of which nobody knows yet.
    pub fn new() -> Self {
        Self { sender: broadcast::Sender::new(MOST_BEHIND) }
    }
}

impl Default for MemoryChanges {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ChangeFeed for MemoryChanges {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn subscribe(&self) -> BoxStream<'static, ChangeEvent> {
        let changes = stream::unfold(self.sender.subscribe(), |mut receiver| async {
            let change = match receiver.recv().await {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => Change::Everything,
                // The stream never ends.
                Err(RecvError::Closed) => future::pending().await,
            };
            Some((ChangeEvent::Changed(change), receiver))
        });
        stream::once(future::ready(ChangeEvent::Linked)).chain(changes).boxed()
    }

    async fn announce(&self, change: &Change) -> Result<()> {
        // It fails where nobody listens.
        let _ = self.sender.send(change.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::change_feed_conformance!(async {
        let feed = MemoryChanges::new();
        ([Box::new(feed.clone()) as Box<dyn ChangeFeed>, Box::new(feed)], ())
    });

    #[tokio::test]
    async fn who_is_too_far_behind_is_told_that_anything_may_have_changed() {
        let feed = MemoryChanges::new();
        let mut changes = feed.subscribe();
        for _ in 0..=MOST_BEHIND {
            feed.announce(&Change::Scope("acme".parse().expect("a scope"))).await.expect("announce");
        }
        assert_eq!(changes.next().await, Some(ChangeEvent::Linked));
        assert_eq!(changes.next().await, Some(ChangeEvent::Changed(Change::Everything)));
    }
}
