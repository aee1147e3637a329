use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::types::UserId;

/// How far the last use shown of a session may lag behind, but for the time until it is stored.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// When sessions were last used, as far as this process has seen.
#[derive(Debug, Default)]
pub(super) struct SessionTouches(Mutex<HashMap<String, Touch>>);

#[derive(Debug)]
struct Touch {
    user: UserId,
    at: Timestamp,
    is_stored: bool,
}

impl SessionTouches {
    pub(super) fn note(&self, user: UserId, session: &str, at: Timestamp) {
        let mut touches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match touches.get_mut(session) {
            Some(touch) if at.duration_since(touch.at).unsigned_abs() < TOUCH_EVERY => {}
            Some(touch) => *touch = Touch { user, at, is_stored: false },
            None => drop(touches.insert(session.to_owned(), Touch { user, at, is_stored: false })),
        }
    }

    /// Those that are to be stored; forgets what is old.
    pub(super) fn take(&self, now: Timestamp) -> Vec<(UserId, String, Timestamp)> {
        let mut touches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        touches.retain(|_, touch| !touch.is_stored || now.duration_since(touch.at).unsigned_abs() < TOUCH_EVERY);
        let due = touches.iter_mut().filter(|(_, touch)| !touch.is_stored);
        due.map(|(session, touch)| {
            touch.is_stored = true;
            (touch.user, session.clone(), touch.at)
        })
        .collect()
    }

    /// Takes back what could not be stored.
    pub(super) fn put_back(&self, not_stored: &[(UserId, String, Timestamp)]) {
        let mut touches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (user, session, at) in not_stored {
            let touch = touches.entry(session.clone()).or_insert(Touch { user: *user, at: *at, is_stored: false });
            touch.is_stored = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_session_is_stored_once_a_minute() {
        let (touches, user) = (SessionTouches::default(), UserId::generate());
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        touches.note(user, "one", at(0));
        touches.note(user, "one", at(30));
        assert_eq!(touches.take(at(30)), [(user, "one".to_owned(), at(0))]);
        touches.note(user, "one", at(59));
        assert!(touches.take(at(59)).is_empty());
        touches.note(user, "one", at(60));
        let due = touches.take(at(60));
        assert_eq!(due, [(user, "one".to_owned(), at(60))]);
        touches.put_back(&due);
        assert_eq!(touches.take(at(61)), due);
        assert!(touches.take(at(200)).is_empty());
    }
}
