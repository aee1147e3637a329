use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;

/// A cache that replicas share. It may forget anything at any time.
///
/// A value belongs to one or more groups. Emptying one of them removes the value, even if the value was
/// read from the database before and is put after that: a [`Stamp`] taken before the read detects this.
#[async_trait]
pub trait SharedCache: Debug + Send + Sync + 'static {
    /// The value of `key`, and the stamp of `groups` for putting another one. `groups` are at most
    /// four, and the same in every call for a key.
    async fn get(&self, key: &str, groups: &[&str]) -> Result<Cached>;

    /// Stores `value` for `lifetime`, unless one of `groups` was emptied since `stamp` was taken.
    async fn put(&self, key: &str, groups: &[&str], value: Bytes, stamp: &Stamp, lifetime: Duration) -> Result<()>;

    /// Empties a group.
    async fn empty(&self, group: &str) -> Result<()>;

    /// Whether the cache answers; for health checks.
    async fn check(&self) -> Result<()>;
}

/// The result of a lookup in a [`SharedCache`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// The value, if there is one.
    pub value: Option<Bytes>,
    /// The state of the requested groups.
    pub stamp: Stamp,
}

/// The state of some groups at one time, in a form that only the cache interprets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(pub Vec<String>);
