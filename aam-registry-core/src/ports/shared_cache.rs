use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;

/// A cache that replicas share. It may forget anything at any time.
///
/// A value belongs to one or more groups, and whatever empties one of them
/// empties it, also where the value was read before and put after that: a
/// [`Stamp`] taken before the read tells the two apart.
#[async_trait]
pub trait SharedCache: Debug + Send + Sync + 'static {
    /// The value of `key`, and the stamp of `groups` to put another with.
    /// `groups` are at most four, and the same at each call for a key.
    async fn get(&self, key: &str, groups: &[&str]) -> Result<Cached>;

    /// Keeps `value` for `lifetime`, unless one of `groups` was emptied since
    /// `stamp` was taken.
    async fn put(&self, key: &str, groups: &[&str], value: Bytes, stamp: &Stamp, lifetime: Duration) -> Result<()>;

    /// Empties a group.
    async fn empty(&self, group: &str) -> Result<()>;

    /// Whether the cache answers; for health checks.
    async fn check(&self) -> Result<()>;
}

/// What a look into a [`SharedCache`] gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// The value, where there is one.
    pub value: Option<Bytes>,
    /// The state of the groups that were asked for.
    pub stamp: Stamp,
}

/// The state of some groups at one instant; what it is made of is the cache's own business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(pub Vec<String>);
