use std::fmt::Debug;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::{error::Result, types::Change};

/// Carries word of changes from whoever makes them to every replica's cache.
#[async_trait]
pub trait ChangeFeed: Debug + Send + Sync + 'static {
    /// What it is called in the log: one lower-case word such as `redis`.
    fn name(&self) -> &'static str;

    /// What happens from now on. The stream begins with whether the link
    /// stands, restores a broken link by itself and never ends.
    fn subscribe(&self) -> BoxStream<'static, ChangeEvent>;

    /// Tells of a change that was made. A feed that hears of committed
    /// transactions by itself does nothing.
    async fn announce(&self, change: &Change) -> Result<()>;
}

/// What a [`ChangeFeed`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeEvent {
    /// From here on every change is told.
    Linked,
    /// The link broke: changes go by unheard until it stands again.
    Lost,
    /// Somebody changed something.
    Changed(Change),
}
