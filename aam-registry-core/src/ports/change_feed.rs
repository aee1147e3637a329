use std::fmt::Debug;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::{error::Result, types::Change};

/// Notifies the caches of all replicas of changes.
#[async_trait]
pub trait ChangeFeed: Debug + Send + Sync + 'static {
    /// The feed's name in the log: one lower-case word such as `redis`.
    fn name(&self) -> &'static str;

    /// The events from now on. The first event says whether the link works. The stream restores a
    /// broken link by itself and never ends.
    fn subscribe(&self) -> BoxStream<'static, ChangeEvent>;

    /// Announces a committed change. A feed that gets committed transactions from the database does
    /// nothing.
    async fn announce(&self, change: &Change) -> Result<()>;
}

/// An event of a [`ChangeFeed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeEvent {
    /// The link works: from now on every change is reported.
    Linked,
    /// The link is broken: changes go unnoticed until it works again.
    Lost,
    /// Something changed.
    Changed(Change),
}
