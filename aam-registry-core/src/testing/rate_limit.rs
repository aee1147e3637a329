//! What every [`RateLimiter`] has to do. The suite expects a new limiter with exactly the limits of
//! [`LIMITS`], and takes less than six seconds per case.

use std::{task::Poll, time::Duration};

use futures_util::future::join_all;

use crate::{
    ports::{RateClass, RateLimiter},
    types::RateDecision,
};

/// Defines a test for every case, on the limiter that `$make` returns.
#[macro_export]
macro_rules! rate_limiter_conformance {
    ($make:expr) => {
        $crate::conformance!(
            rate_limit,
            $make,
            [
                a_minutes_worth_may_come_at_once,
                what_remains_counts_down,
                a_refusal_says_when_to_come_again,
                reset_is_within_a_minute_and_grows,
                a_refusal_costs_nothing,
                clients_are_apart,
                classes_are_apart,
                a_class_without_limit_is_not_limited,
                takers_at_once_share_one_limit,
                what_is_taken_now_is_taken_once,
                what_is_given_back_may_be_taken_again,
                nothing_taken_is_nothing_given_back,
                a_day_is_longer_than_a_minute,
                the_limiter_answers,
            ]
        );
    };
}

/// The limit of each class that the suite expects, in requests per period; 0 for no limit.
pub const LIMITS: [(RateClass, u32); 6] = [
    (RateClass::Search, 2),
    (RateClass::Download, 10),
    (RateClass::Publish, 1),
    (RateClass::Auth, 5),
    (RateClass::ForgivenLogin, 2),
    (RateClass::Other, 0),
];

async fn take(limiter: &dyn RateLimiter, class: RateClass, client: &str) -> RateDecision {
    limiter.take(class, client).await.expect("take").expect("the class is limited")
}

/// Each class allows as many requests at once as its limit, and no more.
pub async fn a_minutes_worth_may_come_at_once(limiter: &dyn RateLimiter) {
    for (class, limit) in LIMITS.into_iter().filter(|(_, limit)| *limit > 0) {
        for n in 1..=limit {
            let decision = take(limiter, class, "a").await;
            assert_eq!(decision.retry_after, None, "request {n} of {limit} for {class:?} was refused");
        }
        let decision = take(limiter, class, "a").await;
        assert!(decision.retry_after.is_some(), "one request too many for {class:?} passed");
    }
}

/// The decision about each request has the limit and the number of requests left.
pub async fn what_remains_counts_down(limiter: &dyn RateLimiter) {
    for expected in (0..5).rev() {
        let decision = take(limiter, RateClass::Auth, "a").await;
        assert_eq!((decision.limit, decision.remaining), (5, expected));
    }
    let refused = take(limiter, RateClass::Auth, "a").await;
    assert_eq!((refused.limit, refused.remaining), (5, 0));
}

/// A refusal says how long to wait, at most a minute.
pub async fn a_refusal_says_when_to_come_again(limiter: &dyn RateLimiter) {
    take(limiter, RateClass::Publish, "a").await;
    let refused = take(limiter, RateClass::Publish, "a").await;
    let wait = refused.retry_after.expect("refused");
    assert!(Duration::ZERO < wait && wait <= Duration::from_mins(1), "wait {wait:?}");
    assert!(wait <= refused.reset, "a client may come again before all are left");
}

/// The time until all requests are available again is at most a minute, and grows with each request.
pub async fn reset_is_within_a_minute_and_grows(limiter: &dyn RateLimiter) {
    let mut before = Duration::ZERO;
    for _ in 0..12 {
        let reset = take(limiter, RateClass::Download, "a").await.reset;
        assert!(Duration::ZERO < reset && reset <= Duration::from_mins(1), "reset {reset:?}");
        assert!(reset + Duration::from_secs(6) > before, "{reset:?} after {before:?}");
        before = reset;
    }
}

/// Refused requests do not lengthen the wait.
pub async fn a_refusal_costs_nothing(limiter: &dyn RateLimiter) {
    take(limiter, RateClass::Publish, "a").await;
    let first = take(limiter, RateClass::Publish, "a").await.retry_after.expect("refused");
    for _ in 0..100 {
        take(limiter, RateClass::Publish, "a").await;
    }
    let last = take(limiter, RateClass::Publish, "a").await.retry_after.expect("refused");
    assert!(last <= first, "the wait grew from {first:?} to {last:?}");
}

/// Each client has a limit of its own.
pub async fn clients_are_apart(limiter: &dyn RateLimiter) {
    for client in ["a", "b", "A", "a ", "2001:db8::1", "ü"] {
        assert_eq!(take(limiter, RateClass::Publish, client).await.retry_after, None, "{client:?} was refused");
        assert!(take(limiter, RateClass::Publish, client).await.retry_after.is_some(), "{client:?} passed twice");
    }
}

/// Each class has a limit of its own.
pub async fn classes_are_apart(limiter: &dyn RateLimiter) {
    take(limiter, RateClass::Publish, "a").await;
    assert!(take(limiter, RateClass::Publish, "a").await.retry_after.is_some());
    assert_eq!(take(limiter, RateClass::Search, "a").await.remaining, 1);
    assert_eq!(take(limiter, RateClass::Download, "a").await.remaining, 9);
}

/// A limit of 0 means no limit.
pub async fn a_class_without_limit_is_not_limited(limiter: &dyn RateLimiter) {
    for _ in 0..1000 {
        assert_eq!(limiter.take(RateClass::Other, "a").await.expect("take"), None);
    }
}

/// However many requests come at once, no more pass than the limit allows.
pub async fn takers_at_once_share_one_limit(limiter: &dyn RateLimiter) {
    let decisions = join_all((0..50).map(|_| take(limiter, RateClass::Download, "a"))).await;
    assert_eq!(decisions.iter().filter(|decision| decision.retry_after.is_none()).count(), 10);
}

/// `take_now` uses the same limit, and takes nothing if it cannot decide at once.
pub async fn what_is_taken_now_is_taken_once(limiter: &dyn RateLimiter) {
    let at_once = limiter.take_now(RateClass::Download, "a");
    let decision = take(limiter, RateClass::Download, "a").await;
    match at_once {
        Poll::Ready(now) => {
            assert_eq!(now.map(|now| (now.remaining, now.retry_after)), Some((9, None)));
            assert_eq!(decision.remaining, 8);
            assert_eq!(limiter.take_now(RateClass::Other, "a"), Poll::Ready(None), "the class is not limited");
        }
        Poll::Pending => assert_eq!(decision.remaining, 9),
    }
}

/// A request that was given back is available again to the same client and class only.
pub async fn what_is_given_back_may_be_taken_again(limiter: &dyn RateLimiter) {
    for client in ["a", "b"] {
        take(limiter, RateClass::Publish, client).await;
        take(limiter, RateClass::Search, client).await;
    }
    for _ in 0..5 {
        limiter.give_back(RateClass::Publish, "a").await.expect("give back");
        assert_eq!(take(limiter, RateClass::Publish, "a").await.retry_after, None, "it was given back");
        assert!(take(limiter, RateClass::Publish, "a").await.retry_after.is_some(), "one was given back, not two");
    }
    assert!(take(limiter, RateClass::Publish, "b").await.retry_after.is_some(), "another client");
    assert_eq!(take(limiter, RateClass::Search, "a").await.remaining, 0, "another class");
    limiter.give_back(RateClass::Other, "a").await.expect("a class without limit");
}

/// Giving back a request that was never taken does not raise the limit.
pub async fn nothing_taken_is_nothing_given_back(limiter: &dyn RateLimiter) {
    for _ in 0..10 {
        limiter.give_back(RateClass::Publish, "a").await.expect("give back");
    }
    assert_eq!(take(limiter, RateClass::Publish, "a").await.retry_after, None);
    assert!(take(limiter, RateClass::Publish, "a").await.retry_after.is_some());
}

/// A refusal by a limit per day lasts for hours.
pub async fn a_day_is_longer_than_a_minute(limiter: &dyn RateLimiter) {
    for _ in 0..2 {
        assert_eq!(take(limiter, RateClass::ForgivenLogin, "a").await.retry_after, None);
    }
    let wait = take(limiter, RateClass::ForgivenLogin, "a").await.retry_after.expect("refused");
    assert!(wait > Duration::from_hours(11) && wait <= Duration::from_hours(24), "wait {wait:?}");
}

/// The health check of a working limiter succeeds.
pub async fn the_limiter_answers(limiter: &dyn RateLimiter) {
    limiter.check().await.expect("check");
}
