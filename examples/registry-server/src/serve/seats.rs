use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use metrics::Gauge;

use super::{answers::AnswerMemory, networks::Counted};

/// One in this many seats is kept free for new connections.
const FREE: usize = 16;

/// The seats for connections. Each connection takes one. Beside the regular seats there are a few spare
/// ones, in which probes are answered and all other requests are refused.
#[derive(Debug)]
pub(super) struct Seats {
    regular: Kind,
    spare: Kind,
    /// How many idle connections still have to make room.
    wanted: AtomicUsize,
    open: Gauge,
    answers: AnswerMemory,
}

#[derive(Debug)]
struct Kind {
    taken: AtomicUsize,
    most: usize,
}

impl Kind {
    fn new(most: usize) -> Self {
        Self { taken: AtomicUsize::new(0), most }
    }

    fn take(&self) -> bool {
        let more = |taken| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok()
    }

    fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::Release);
    }
}

impl Seats {
    pub(super) fn new(regular: usize, spare: usize) -> Self {
        let open = metrics::gauge!("aam_connections_open");
        open.set(0);
        Self {
            regular: Kind::new(regular),
            spare: Kind::new(spare),
            wanted: AtomicUsize::new(0),
            open,
            answers: AnswerMemory::default(),
        }
    }

    /// Sets the limit on the memory of all answers.
    pub(super) fn with_answers(mut self, answers: AnswerMemory) -> Self {
        self.answers = answers;
        self
    }

    /// The memory of all answers.
    pub(super) fn answers(&self) -> &AnswerMemory {
        &self.answers
    }

    /// A seat for a connection; `None` if not even a spare one is left.
    pub(super) fn take(self: &Arc<Self>) -> Option<Seat> {
        let is_regular = self.regular.take();
        if !is_regular && !self.spare.take() {
            return None;
        }
        self.open.increment(1);
        Some(Seat { seats: Arc::clone(self), is_regular: AtomicBool::new(is_regular), counted: None })
    }

    /// The number of regular seats.
    pub(super) fn regular(&self) -> usize {
        self.regular.most
    }

    /// How many seats have to be freed until enough are free for new connections.
    pub(super) fn missing(&self) -> usize {
        let taken = self.regular.taken.load(Ordering::Relaxed);
        (taken + self.regular.most / FREE + 1).saturating_sub(self.regular.most)
    }

    /// Asks that many idle connections give up their seats.
    pub(super) fn want(&self, places: usize) {
        self.wanted.store(places, Ordering::Relaxed);
    }

    /// Whether an idle connection has to give up its seat.
    pub(super) fn wants_one(&self) -> bool {
        self.wanted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |wanted| wanted.checked_sub(1)).is_ok()
    }
}

/// The seat of one connection, given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    is_regular: AtomicBool,
    counted: Option<Counted>,
}

impl Seat {
    /// The seat of a connection that is counted for its network.
    pub(super) fn counted(mut self, counted: Option<Counted>) -> Self {
        self.counted = counted;
        self
    }

    /// The memory of all answers.
    pub(super) fn answers(&self) -> &AnswerMemory {
        self.seats.answers()
    }

    /// Whether this is a regular seat.
    pub(super) fn is_regular(&self) -> bool {
        self.is_regular.load(Ordering::Relaxed)
    }

    /// Whether this is a regular seat, or has just become one because another was given up.
    pub(super) fn becomes_regular(&self) -> bool {
        if self.is_regular() {
            return true;
        }
        if !self.seats.regular.take() {
            return false;
        }
        if self.is_regular.swap(true, Ordering::Relaxed) {
            self.seats.regular.give_back();
        } else {
            self.seats.spare.give_back();
        }
        true
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let kind = if self.is_regular() { &self.seats.regular } else { &self.seats.spare };
        kind.give_back();
        self.seats.open.decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spare_place_becomes_a_regular_one_when_there_is_room() {
        let seats = Arc::new(Seats::new(1, 1));
        let first = seats.take().expect("a place");
        let second = seats.take().expect("a spare place");
        assert!(first.is_regular() && !second.is_regular());
        assert!(seats.take().is_none(), "none is left");
        assert!(!second.becomes_regular());
        drop(first);
        assert!(second.becomes_regular() && second.is_regular());
        let third = seats.take().expect("a spare place");
        assert!(!third.is_regular());
        drop(second);
        drop(third);
        assert!(seats.take().expect("a place").is_regular());
        assert_eq!(seats.spare.taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn no_more_places_are_given_up_than_are_wanted() {
        let seats = Arc::new(Seats::new(32, 1));
        let taken: Vec<_> = (0..29).filter_map(|_| seats.take()).collect();
        assert_eq!(seats.missing(), 0);
        let more: Vec<_> = (0..3).filter_map(|_| seats.take()).collect();
        assert_eq!(seats.missing(), 3);
        assert!(!seats.wants_one());
        seats.want(seats.missing());
        assert_eq!((0..10).filter(|_| seats.wants_one()).count(), 3);
        drop((taken, more));
        assert_eq!(seats.missing(), 0);
    }
}
