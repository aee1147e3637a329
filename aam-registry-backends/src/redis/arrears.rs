use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aam_registry_core::Result;
use tokio::time;

/// How long to wait before trying again what did not work.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// What could not be told to Redis yet, and still has to be.
#[derive(Debug)]
pub(super) struct Arrears<T>(Mutex<Owed<T>>);

#[derive(Debug)]
struct Owed<T> {
    /// With growing numbers: what comes while something is made up for is not taken for part of it.
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
    /// Adds a thing, in place of the same one. Gives whether the caller has to see to it that it is made
    /// up for, since nobody else does.
    #[must_use]
    pub(super) fn add(&self, thing: T) -> bool {
        let mut owed = self.owed();
        let number = owed.next;
        owed.next += 1;
        owed.things.retain(|(_, other)| *other != thing);
        owed.things.push((number, thing));
        !std::mem::replace(&mut owed.somebody_sees_to_it, true)
    }

    /// Pays everything that is owed, as often as it takes.
    pub(super) async fn make_up<F: Future<Output = Result<()>>>(&self, pay: impl Fn(Vec<T>) -> F) {
        while !self.is_done() {
            time::sleep(RETRY_EVERY).await;
            let (things, number) = self.all();
            // A failure has been counted, and told of when it began.
            if pay(things).await.is_ok() {
                self.settle(number);
            }
        }
    }

    /// Everything that is owed, and a number by which it is [`settle`](Self::settle)d.
    fn all(&self) -> (Vec<T>, u64) {
        let owed = self.owed();
        (owed.things.iter().map(|(_, thing)| thing.clone()).collect(), owed.next)
    }

    /// Strikes out what was owed when `number` was given.
    fn settle(&self, number: u64) {
        self.owed().things.retain(|(added, _)| *added >= number);
    }

    /// Whether nothing is owed any more: whoever saw to it is free then.
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
