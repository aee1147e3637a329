use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// How many steps one resolution may take: a comparison of a version with one
/// comparator of a constraint is one, and what costs more than that is more.
/// Some 100 milliseconds of a processor, and twenty times what a tree of 300
/// packages takes.
pub(in crate::registry::resolve) const BUDGET: usize = 4_000_000;

/// The steps for each version of a package that is learned, and for each of its dependencies.
pub(super) const LEARNED_VERSION: usize = 10;
pub(super) const LEARNED_NEED: usize = 5;

/// Why a search ends before it has an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// It has taken all its steps.
    Budget,
    /// It was cancelled.
    Cancelled,
}

/// The steps that a search has left.
#[derive(Debug)]
pub(in crate::registry::resolve) struct Budget {
    left: usize,
    cancellation: Cancellation,
}

impl Budget {
    /// So many steps, or fewer where the search is cancelled.
    pub(in crate::registry::resolve) fn new(steps: usize, cancellation: Cancellation) -> Self {
        Self { left: steps, cancellation }
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.left
    }

    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Spent> {
        if self.cancellation.0.load(Ordering::Relaxed) {
            return Err(Spent::Cancelled);
        }
        self.left = self.left.checked_sub(steps).ok_or(Spent::Budget)?;
        Ok(())
    }
}

/// Ends a search from another thread.
#[derive(Clone, Debug, Default)]
pub(in crate::registry::resolve) struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Has the search end at its next step.
    pub(in crate::registry::resolve) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
