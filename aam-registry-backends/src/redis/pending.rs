use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aam_registry_core::Result;
use tokio::time;

/// How long to wait before a failed operation is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Notifications to Redis that failed and still have to be sent.
#[derive(Debug)]
pub(super) struct Arrears<T>(Mutex<Owed<T>>);

#[derive(Debug)]
struct Owed<T> {
    /// Numbered in the order they were added, so that what is added while others are being sent is not
    /// counted as sent.
    things: Vec<(u64, T)>,
    next: u64,
    somebody_sees_to_it: bool,
}

impl<T> Default for Arrears<T> {
    fn default() -> Self {
        Self(Mutex::new(Owed { things: Vec::new(), next: 0, somebody_sees_to_it: false }))
    }
}

impl<T: Clone + PartialEq> Arrears<T> {
    /// Adds an item, replacing an equal one. Returns whether the caller has to start
    /// [`make_up`](Self::make_up), because it is not running yet.
    #[must_use]
    pub(super) fn add(&self, thing: T) -> bool {
        let mut owed = self.owed();
        let number = owed.next;
        owed.next += 1;
        owed.things.retain(|(_, other)| *other != thing);
        owed.things.push((number, thing));
        !std::mem::replace(&mut owed.somebody_sees_to_it, true)
    }

    /// Sends everything that is pending, with as many tries as it takes.
    pub(super) async fn make_up<F: Future<Output = Result<()>>>(&self, pay: impl Fn(Vec<T>) -> F) {
        while !self.is_done() {
            time::sleep(RETRY_EVERY).await;
            let (things, number) = self.all();
            // The failure was counted, and logged when it began.
            if pay(things).await.is_ok() {
                self.settle(number);
            }
        }
    }

    /// Everything that is pending, and a number to pass to [`settle`](Self::settle).
    fn all(&self) -> (Vec<T>, u64) {
        let owed = self.owed();
        (owed.things.iter().map(|(_, thing)| thing.clone()).collect(), owed.next)
    }

    /// Removes the items that were pending when `number` was returned.
    fn settle(&self, number: u64) {
        self.owed().things.retain(|(added, _)| *added >= number);
    }

    /// Whether nothing is pending any more, so that the caller may stop.
    fn is_done(&self) -> bool {
        let mut owed = self.owed();
        owed.somebody_sees_to_it = !owed.things.is_empty();
        owed.things.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.owed().things.is_empty()
    }

    fn owed(&self) -> MutexGuard<'_, Owed<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sees_to_it_until_nothing_is_owed() {
        let arrears = Arrears::default();
        assert!(arrears.is_empty());
        assert!(arrears.add("a"));
        assert!(!arrears.add("b"), "somebody does already");
        let (things, number) = arrears.all();
        assert_eq!(things, ["a", "b"]);
        assert!(!arrears.add("a"), "the same again, while it is made up for");
        assert_eq!(arrears.all().0, ["b", "a"], "once is enough");
        arrears.settle(number);
        assert!(!arrears.is_done(), "what came meanwhile is still owed");
        let (things, number) = arrears.all();
        assert_eq!(things, ["a"]);
        arrears.settle(number);
        assert!(arrears.is_done());
        assert!(arrears.add("c"));
    }
}
