//! How downloads are counted.

use std::time::Duration;

/// How long the id of a batch is known, by the time at which the last one was
/// gathered: longer than anybody tries to add it.
pub(crate) const BATCH_REMEMBERED: Duration = Duration::from_hours(24);
