use std::{
    hash::BuildHasher,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use aam_registry_core::{
    Result,
    ports::{RateClass, RateLimiter},
    types::RateDecision,
};
use async_trait::async_trait;
use foldhash::quality::RandomState;
use governor::{
    Quota,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
};

use super::{
    RateLimits,
    clients::{Clients, MOST_CLIENTS},
};

const MINUTE: Duration = Duration::from_mins(1);

/// Limits clients in this process: a client may use all requests of a period at once, and then gets
/// them back evenly.
///
/// A client that makes no request for the period of a class is forgotten within another minute.
#[derive(Debug)]
pub struct GovernorLimiter {
    classes: [Option<Arc<ClassLimiter<DefaultClock>>>; RateClass::ALL.len()],
    /// Hashes with a random key, so that nobody can choose an address whose hash equals another's.
    hasher: RandomState,
    started: Instant,
    /// When idle clients were last removed, in seconds since the start.
    forgot: AtomicU64,
}

impl GovernorLimiter {
    /// A limiter with these limits.
    pub fn new(limits: &RateLimits) -> Self {
        let limiter = |class| {
            let limit = NonZeroU32::new(limits.of(class))?;
            Some(Arc::new(ClassLimiter::new(limit, class.period(), MOST_CLIENTS, DefaultClock::default())))
        };
        Self {
            classes: RateClass::ALL.map(limiter),
            hasher: RandomState::default(),
            started: Instant::now(),
            forgot: AtomicU64::new(0),
        }
    }

    fn class(&self, class: RateClass) -> Option<&Arc<ClassLimiter<DefaultClock>>> {
        let at = RateClass::ALL.iter().position(|other| *other == class)?;
        self.classes[at].as_ref()
    }

    fn decide(&self, class: RateClass, client: &str) -> Option<RateDecision> {
        let limiter = self.class(class)?;
        let decision = limiter.take(self.hasher.hash_one(client));
        self.forget_clients();
        Some(decision)
    }

    /// Removes idle clients once a minute, during whichever request comes next.
    fn forget_clients(&self) {
        let now = self.started.elapsed().as_secs();
        let forgot = self.forgot.load(Ordering::Relaxed);
        if now < forgot + MINUTE.as_secs()
            || self.forgot.compare_exchange(forgot, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let classes: Vec<_> = self.classes.iter().flatten().cloned().collect();
        tokio::task::spawn_blocking(move || classes.iter().for_each(|class| class.forget_clients()));
    }
}

#[async_trait]
impl RateLimiter for GovernorLimiter {
    async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>> {
        Ok(self.decide(class, client))
    }

    fn take_now(&self, class: RateClass, client: &str) -> Poll<Option<RateDecision>> {
        Poll::Ready(self.decide(class, client))
    }

    async fn give_back(&self, class: RateClass, client: &str) -> Result<()> {
        if let Some(limiter) = self.class(class) {
            limiter.give_back(self.hasher.hash_one(client));
        }
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// The limiter of one class.
#[derive(Debug)]
struct ClassLimiter<C: Clock> {
    limit: NonZeroU32,
    /// The time in which one request is given back.
    interval: Duration,
    clients: Clients,
    inner: governor::RateLimiter<u64, Clients, C, StateInformationMiddleware>,
}

impl<C: Clock> ClassLimiter<C> {
    fn new(limit: NonZeroU32, period: Duration, most_clients: usize, clock: C) -> Self {
        let clients = Clients::new(most_clients);
        // The interval must not be zero, however short the period and however high the limit.
        let interval = (period / limit.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval).expect("an interval").allow_burst(limit);
        let inner = governor::RateLimiter::new(quota, clients.clone(), clock);
        Self { limit, interval, clients, inner }
    }

    fn give_back(&self, client: u64) {
        self.clients.give_back(client, self.interval);
    }

    fn take(&self, client: u64) -> RateDecision {
        let (limit, interval) = (self.limit.get(), self.interval);
        match self.inner.check_key(&client) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                // Governor counts whole requests; one that is partly given back counts as taken.
                RateDecision { limit, remaining, reset: interval * (limit - remaining), retry_after: None }
            }
            Err(refusal) => {
                let wait = refusal.wait_time_from(self.inner.clock().now());
                let reset = wait + interval * (limit - 1);
                RateDecision { limit, remaining: 0, reset, retry_after: Some(wait) }
            }
        }
    }

    fn forget_clients(&self) {
        self.inner.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    use super::*;

    fn limiter(per_minute: u32, most_clients: usize) -> (ClassLimiter<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let per_minute = NonZeroU32::new(per_minute).expect("a limit");
        (ClassLimiter::new(per_minute, MINUTE, most_clients, clock.clone()), clock)
    }

    #[test]
    fn requests_are_given_back_one_by_one() {
        let (limiter, clock) = limiter(6, 10);
        for _ in 0..6 {
            assert_eq!(limiter.take(1).retry_after, None);
        }
        let refused = limiter.take(1);
        assert_eq!(refused.retry_after, Some(Duration::from_secs(10)));
        assert_eq!(refused.reset, Duration::from_mins(1));
        clock.advance(Duration::from_secs(9));
        assert_eq!(limiter.take(1).retry_after, Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(limiter.take(1).retry_after, None);
        assert_eq!(limiter.take(1).retry_after, Some(Duration::from_secs(10)));
    }

    #[test]
    fn what_is_given_back_is_left_again() {
        let (limiter, clock) = limiter(6, 1);
        for _ in 0..3 {
            limiter.take(1);
        }
        limiter.give_back(1);
        assert_eq!(limiter.take(1).remaining, 3);
        clock.advance(Duration::from_mins(2));
        for _ in 0..10 {
            limiter.give_back(1);
        }
        assert_eq!(limiter.take(1).remaining, 5, "nobody has more than all");
        limiter.take(2);
        assert_eq!(limiter.take(3).remaining, 4, "the rest share one state");
        limiter.give_back(3);
        assert_eq!(limiter.take(2).remaining, 4);
    }

    #[test]
    fn after_reset_all_are_left_again() {
        let (limiter, clock) = limiter(6, 10);
        for taken in 1..=6 {
            let decision = limiter.take(1);
            assert_eq!(decision.reset, Duration::from_secs(10) * taken);
        }
        let reset = limiter.take(1).reset;
        clock.advance(reset);
        assert_eq!(limiter.take(1).remaining, 5);
    }

    #[test]
    fn clients_beyond_the_most_share_one_state() {
        let (limiter, clock) = limiter(2, 3);
        for client in 0..3 {
            assert_eq!(limiter.take(client).remaining, 1);
        }
        assert_eq!(limiter.take(100).remaining, 1);
        assert_eq!(limiter.take(101).remaining, 0);
        assert!(limiter.take(102).retry_after.is_some());
        assert_eq!(limiter.take(2).remaining, 0, "a known client keeps its own state");
        clock.advance(Duration::from_mins(2));
        limiter.forget_clients();
        assert_eq!(limiter.inner.len(), 0);
        assert_eq!(limiter.take(102).remaining, 1);
        assert_eq!(limiter.take(103).remaining, 1, "there is room again");
    }

    #[test]
    fn a_client_is_not_forgotten_while_it_waits() {
        let (limiter, clock) = limiter(2, 3);
        limiter.take(1);
        limiter.take(1);
        clock.advance(Duration::from_secs(5));
        limiter.forget_clients();
        assert!(limiter.take(1).retry_after.is_some());
    }

    proptest! {
        /// In any minute at most twice the limit passes (the burst and the requests given back
        /// meanwhile), and a client that waits as long as it is told passes.
        #[test]
        fn waiting_as_told_is_enough(limit in 1..2000_u32, pauses in prop::collection::vec(0..70_000_u64, 1..200)) {
            let (limiter, clock) = limiter(limit, 10);
            let (mut passed, mut elapsed) = (0_u128, 0_u128);
            for pause in pauses {
                clock.advance(Duration::from_millis(pause));
                elapsed += u128::from(pause);
                let decision = limiter.take(1);
                prop_assert!(decision.reset <= MINUTE);
                if let Some(wait) = decision.retry_after {
                    clock.advance(wait);
                    elapsed += wait.as_millis() + 1;
                    prop_assert_eq!(limiter.take(1).retry_after, None);
                }
                passed += 1;
                prop_assert!(passed <= u128::from(limit) + u128::from(limit) * elapsed / 60_000 + 1);
            }
        }
    }
}
