use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use metrics::Gauge;

/// How long one may take over the next piece of an answer while memory is short.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// The memory of answers that are being written: what was read or made for
/// them, and their clients have not taken yet.
///
/// While more than half of what there may be is held, slow readers are given
/// up sooner; when all of it is, nothing more is begun.
#[derive(Clone, Debug)]
pub(super) struct AnswerMemory {
    held: Arc<AtomicUsize>,
    most: usize,
    per_connection: usize,
    shown: Gauge,
}

impl AnswerMemory {
    /// So many bytes in all, and of one connection.
    pub(super) fn new(most: usize, per_connection: usize) -> Self {
        let shown = metrics::gauge!("aam_answer_memory_bytes");
        shown.set(0);
        Self { held: Arc::default(), most, per_connection, shown }
    }

    /// How much of it one connection may hold before more is read for it, in bytes.
    pub(super) fn per_connection(&self) -> usize {
        self.per_connection
    }

    /// Whether no answer may be begun.
    pub(super) fn is_full(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= self.most
    }

    /// How long a client may take over the next piece of an answer, where it may take `patience` at other times.
    pub(super) fn patience(&self, patience: Duration) -> Duration {
        let is_short = self.held.load(Ordering::Relaxed) >= self.most / 2;
        if is_short { patience.min(SHORT_PATIENCE) } else { patience }
    }

    /// How often who waits for a client has to ask again how long he may.
    pub(super) fn look_every() -> Duration {
        SHORT_PATIENCE
    }

    pub(super) fn add(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "what is shown need not be exact")]
        self.shown.increment(bytes as f64);
    }

    pub(super) fn remove(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "what is shown need not be exact")]
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
