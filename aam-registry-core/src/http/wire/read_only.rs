use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;
use crate::types::ReadOnlyMode;

/// A switch of read-only mode.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ReadOnlyRequest")]
pub(crate) struct ReadOnlyRequest {
    /// Whether the registry is to be read-only.
    pub(crate) read_only: bool,
    /// What users are told about it, such as `moving to another machine until 14:00 UTC`; at most 200 characters.
    pub(crate) reason: Option<String>,
}

/// Whether the registry is read-only.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReadOnly")]
pub(crate) struct ReadOnlyAnswer {
    /// Whether it is.
    read_only: bool,
    /// Since when.
    since: Option<Time>,
    /// What users are told about it.
    reason: Option<String>,
}

impl From<Option<ReadOnlyMode>> for ReadOnlyAnswer {
    fn from(mode: Option<ReadOnlyMode>) -> Self {
        let read_only = mode.is_some();
        let (since, reason) = mode.map(|mode| (Time::from(mode.since), mode.reason)).unzip();
        Self { read_only, since, reason: reason.flatten() }
    }
}
