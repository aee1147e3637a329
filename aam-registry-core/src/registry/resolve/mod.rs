//! Choosing versions: of one package, and of everything it needs.

use std::time::Duration;

mod conflict;
mod one;
mod solver;
mod tree;

pub(crate) use tree::{MAX_PACKAGES, require_few};

/// How many trees are resolved at a time; each computes on a blocking thread
/// and asks the database for several packages at once.
pub(super) const AT_ONCE: usize = 4;
/// How many of them may be one client's.
pub(super) const AT_ONCE_EACH: usize = 2;
/// How long one waits for his turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
