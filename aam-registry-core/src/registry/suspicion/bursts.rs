use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

/// The most accounts that are watched at a time.
const MOST: usize = 10_000;

/// Accounts that do one thing very often within a short time.
#[derive(Debug)]
pub(super) struct Bursts {
    /// From how many times on it is a burst.
    many: u64,
    by_account: Mutex<HashMap<String, Burst>>,
}

#[derive(Debug)]
struct Burst {
    begun: Timestamp,
    count: u64,
}

impl Bursts {
    /// Within how many minutes.
    pub(super) const MINUTES: i64 = 10;

    /// Notices accounts that do it `many` times.
    pub(super) fn of(many: u64) -> Self {
        Self { many, by_account: Mutex::default() }
    }

    /// Notes that `account` did it at `now`. Tells once for each burst how often.
    pub(super) fn note(&self, account: &str, now: Timestamp) -> Option<u64> {
        let is_over = |burst: &Burst| now.duration_since(burst.begun).abs() >= SignedDuration::from_mins(Self::MINUTES);
        let mut by_account = self.by_account.lock().unwrap_or_else(PoisonError::into_inner);
        if by_account.len() >= MOST {
            by_account.retain(|_, burst| !is_over(burst));
        }
        if by_account.len() >= MOST && !by_account.contains_key(account) {
            return None;
        }
        let new = || Burst { begun: now, count: 0 };
        let burst = by_account.entry(account.to_owned()).or_insert_with(new);
        if is_over(burst) {
            *burst = new();
        }
        burst.count += 1;
        (burst.count == self.many).then_some(burst.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    #[test]
    fn a_burst_is_told_once_and_slow_work_never() {
        let bursts = Bursts::of(3);
        let told: Vec<_> = [0, 1, 2, 3, 4].map(|minute| bursts.note("ada", at(minute))).to_vec();
        assert_eq!(told, [None, None, Some(3), None, None]);
        assert!((0..10).all(|turn| bursts.note("bob", at(turn * 5)).is_none()), "every five minutes");
        let told: Vec<_> = [20, 20, 20].map(|minute| bursts.note("ada", at(minute))).to_vec();
        assert_eq!(told, [None, None, Some(3)], "another burst");
    }

    #[test]
    fn accounts_beyond_the_most_are_not_watched_until_others_are_done() {
        let bursts = Bursts::of(1);
        for account in 0..MOST {
            assert_eq!(bursts.note(&account.to_string(), at(0)), Some(1));
        }
        assert_eq!(bursts.note("ada", at(5)), None);
        assert_eq!(bursts.note("ada", at(10)), Some(1));
    }
}
