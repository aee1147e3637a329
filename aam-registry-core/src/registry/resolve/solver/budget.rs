use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// How many steps one resolution may take. Comparing a version with one comparator of a constraint is
/// one step; more expensive operations count as more. The budget is about 100 milliseconds of processor
/// time, and twenty times what a tree of 300 packages takes.
pub(in crate::registry::resolve) const BUDGET: usize = 4_000_000;

/// The steps for each version of a package that is added, and for each of its dependencies.
pub(super) const LEARNED_VERSION: usize = 10;
pub(super) const LEARNED_NEED: usize = 5;

/// Why a search ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// It used all its steps.
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
    /// A budget of `steps`; the search ends earlier if it is cancelled.
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

/// Cancels a search from another thread.
#[derive(Clone, Debug, Default)]
pub(in crate::registry::resolve) struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Makes the search end at its next step.
    pub(in crate::registry::resolve) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
