use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use metrics::Gauge;

/// How long a client may take to read the next piece of an answer while memory is short.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// The memory held by answers: bytes that were read or created for them and that clients have not taken
/// yet.
///
/// While more than half of the limit is in use, slow readers are disconnected sooner; at the limit, no
/// new answer is begun.
#[derive(Clone, Debug)]
pub(super) struct AnswerMemory {
    held: Arc<AtomicUsize>,
    most: usize,
    per_connection: usize,
    shown: Gauge,
}

impl AnswerMemory {
    /// A limit of `most` bytes in total and `per_connection` bytes for one connection.
    pub(super) fn new(most: usize, per_connection: usize) -> Self {
        let shown = metrics::gauge!("aam_answer_memory_bytes");
        shown.set(0);
        Self { held: Arc::default(), most, per_connection, shown }
    }

    /// How many bytes one connection may hold before it has to wait until some are sent.
    pub(super) fn per_connection(&self) -> usize {
        self.per_connection
    }

    /// Whether the limit is reached, so that no new answer may begin.
    pub(super) fn is_full(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= self.most
    }

    /// How long a client may take to read the next piece of an answer now; `patience` while memory is
    /// not short.
    pub(super) fn patience(&self, patience: Duration) -> Duration {
        let is_short = self.held.load(Ordering::Relaxed) >= self.most / 2;
        if is_short { patience.min(SHORT_PATIENCE) } else { patience }
    }

    /// How often the time allowed to a slow client has to be checked again.
    pub(super) fn look_every() -> Duration {
        SHORT_PATIENCE
    }

    pub(super) fn add(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a gauge need not be exact")]
        self.shown.increment(bytes as f64);
    }

    pub(super) fn remove(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a gauge need not be exact")]
        self.shown.decrement(bytes as f64);
    }
}

impl Default for AnswerMemory {
    fn default() -> Self {
        Self::new(usize::MAX, usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_slow_is_given_up_sooner_while_memory_is_short() {
        let memory = AnswerMemory::new(100, 100);
        let minute = Duration::from_mins(1);
        memory.add(49);
        assert_eq!(memory.patience(minute), minute);
        memory.add(1);
        assert_eq!(memory.patience(minute), SHORT_PATIENCE);
        assert_eq!(memory.patience(Duration::from_secs(1)), Duration::from_secs(1));
        assert!(!memory.is_full());
        memory.add(50);
        assert!(memory.is_full());
        memory.remove(100);
        assert_eq!(memory.patience(minute), minute);
    }
}
