//! The deletion of rows that have served their time.

use jiff::Timestamp;

use super::{Changes, Decision, Write};
use crate::{error::Result, types::Aged};

/// Deletes rows that have aged, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropAged {
    /// Which.
    pub what: Aged,
    /// Those that have aged since before it.
    pub before: Timestamp,
    /// At most so many.
    pub limit: usize,
}

/// What the deletion is decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropAgedFacts {
    /// Since when the oldest of these rows ages, if there is one.
    pub oldest: Option<Timestamp>,
}

impl DropAged {
    /// Deletes them. Gives whether there were any.
    ///
    /// # Errors
    /// None.
    pub fn decide(&self, facts: &DropAgedFacts) -> Result<Decision<'static, bool>> {
        let Self { what, before, limit } = *self;
        if facts.oldest.is_none_or(|oldest| oldest >= before) {
            return Ok(Decision::unchanged(false));
        }
        let writes = vec![Write::DropAged { what, before, limit }];
        Ok(Decision { answer: true, changes: Changes { writes, audit: Vec::new(), invalidates: None } })
    }
}
