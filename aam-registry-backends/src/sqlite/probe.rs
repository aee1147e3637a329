//! Whether the database was found to take changes.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a database that took a change is believed to take others.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// When the database last took a change that was made only to find that out.
#[derive(Debug, Default)]
pub(super) struct WriteProbe(Mutex<Option<Instant>>);

impl WriteProbe {
    /// Whether the database took a change a short time ago.
    pub(super) fn is_recent(&self) -> bool {
        let taken = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.is_some_and(|at| at.elapsed() < GOOD_FOR)
    }

    /// Records that the database took a change.
    pub(super) fn succeeded(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
