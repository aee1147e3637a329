//! What is told of versions that were withdrawn, to those who may have installed them.

use jiff::Timestamp;

use crate::types::{ModerationCategory, PackageName, Sha256Digest, Sight, Version};

/// A version that was put into quarantine, and maybe let out of it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// The package.
    pub package: PackageName,
    /// The version as published.
    pub version: Version,
    /// The digest of its archive.
    pub sha256: Sha256Digest,
    /// Why, in one word.
    pub category: ModerationCategory,
    /// Why, in the moderator's words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// When the quarantine was lifted; `None` while it lasts and after a removal.
    pub lifted_at: Option<Timestamp>,
}

/// Which recalls to read.
#[derive(Clone, Debug)]
pub struct RecallQuery {
    /// Only those that were made or lifted at or after this instant.
    pub since: Option<Timestamp>,
    /// The private packages that the reader sees.
    pub sight: Sight,
    /// The most to read.
    pub limit: usize,
}

/// A part of the recalls, in the order in which they were made or lifted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecallList {
    /// The recalls.
    pub recalls: Vec<Recall>,
    /// The value of [`RecallQuery::since`] for the next part; `None` if this is the last.
    pub next_since: Option<Timestamp>,
}

impl Recall {
    /// When it was made or, later, lifted.
    pub fn changed_at(&self) -> Timestamp {
        self.lifted_at.unwrap_or(self.at)
    }
}
