//! Chooses versions: of one package, and of all its dependencies.

use std::time::Duration;

mod conflict;
mod one;
mod solver;
mod tree;

pub(crate) use tree::{MAX_PACKAGES, require_few};

/// How many trees are resolved at a time. Each computes on a blocking thread and queries the database
/// for several packages at once.
pub(super) const AT_ONCE: usize = 4;
/// How many of them may belong to one client.
pub(super) const AT_ONCE_EACH: usize = 2;
/// How long a resolution waits for its turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
