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
pub(super) struct Pending<T>(Mutex<Queue<T>>);

#[derive(Debug)]
struct Queue<T> {
    /// Numbered in the order they were added, so that what is added while others are being sent is not
    /// counted as sent.
    items: Vec<(u64, T)>,
    next: u64,
    is_sending: bool,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::new(Queue { items: Vec::new(), next: 0, is_sending: false }))
    }
}

impl<T: Clone + PartialEq> Pending<T> {
    /// Adds an item, replacing an equal one. Returns whether the caller has to start
    /// [`send_until_done`](Self::send_until_done), because it is not running yet.
    #[must_use]
    pub(super) fn add(&self, item: T) -> bool {
        let mut queue = self.queue();
        let number = queue.next;
        queue.next += 1;
        queue.items.retain(|(_, other)| *other != item);
        queue.items.push((number, item));
        !std::mem::replace(&mut queue.is_sending, true)
    }

    /// Sends everything that is pending, with as many tries as it takes.
    pub(super) async fn send_until_done<F: Future<Output = Result<()>>>(&self, send: impl Fn(Vec<T>) -> F) {
        while !self.is_done() {
            time::sleep(RETRY_EVERY).await;
            let (items, number) = self.all();
            // The failure was counted, and logged when it began.
            if send(items).await.is_ok() {
                self.remove_sent(number);
            }
        }
    }

    /// Everything that is pending, and a number to pass to [`remove_sent`](Self::remove_sent).
    fn all(&self) -> (Vec<T>, u64) {
        let queue = self.queue();
        (queue.items.iter().map(|(_, item)| item.clone()).collect(), queue.next)
    }

    /// Removes the items that were pending when `number` was returned.
    fn remove_sent(&self, number: u64) {
        self.queue().items.retain(|(added, _)| *added >= number);
    }

    /// Whether nothing is pending any more, so that the caller may stop.
    fn is_done(&self) -> bool {
        let mut queue = self.queue();
        queue.is_sending = !queue.items.is_empty();
        queue.items.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue().items.is_empty()
    }

    fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_sends_until_nothing_is_pending() {
        let pending = Pending::default();
        assert!(pending.is_empty());
        assert!(pending.add("a"));
        assert!(!pending.add("b"), "another caller does already");
        let (items, number) = pending.all();
        assert_eq!(items, ["a", "b"]);
        assert!(!pending.add("a"), "the same item again, while it is being sent");
        assert_eq!(pending.all().0, ["b", "a"], "an equal item is replaced");
        pending.remove_sent(number);
        assert!(!pending.is_done(), "an item added meanwhile is still pending");
        let (items, number) = pending.all();
        assert_eq!(items, ["a"]);
        pending.remove_sent(number);
        assert!(pending.is_done());
        assert!(pending.add("c"));
    }
}
