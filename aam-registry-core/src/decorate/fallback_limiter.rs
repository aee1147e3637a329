use std::{error::Error as StdError, sync::Arc, task::Poll, time::Duration};

use async_trait::async_trait;

use super::{Admission, Breaker};
use crate::{
    error::Result,
    ports::{RateClass, RateLimiter},
    types::RateDecision,
};

/// How long the second limiter is used before the first is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Limits requests with one limiter and, if that fails, with another.
///
/// The first limiter is shared by replicas, the second belongs to this replica: while the first fails,
/// a client has the second's limit on each replica. When the first limiter fails, only the request that
/// notices it and those already waiting wait for it. Other requests use the second limiter at once, and
/// about once a second one of them also tests the first in the background.
///
/// ```
/// use aam_registry_core::{decorate::FallbackLimiter, memory::MemoryLimiter, ports::RateClass};
///
/// # let shared = MemoryLimiter::unlimited();
/// let own = MemoryLimiter::unlimited().with_limit(RateClass::Search, 100);
/// let limiter = FallbackLimiter::new(shared, own);
/// ```
#[derive(Clone, Debug)]
pub struct FallbackLimiter {
    first: Arc<First>,
    second: Arc<dyn RateLimiter>,
}

#[derive(Debug)]
struct First {
    limiter: Box<dyn RateLimiter>,
    breaker: Breaker,
}

impl FallbackLimiter {
    /// Limits with `first`, and with `second` for a second after each failure of `first`.
    pub fn new(first: impl RateLimiter, second: impl RateLimiter) -> Self {
        Self::with_pause(first, second, PAUSE)
    }

    /// The same, with another pause before the first limiter is tried again.
    pub fn with_pause(first: impl RateLimiter, second: impl RateLimiter, pause: Duration) -> Self {
        let first = First { limiter: Box::new(first), breaker: Breaker::new(pause) };
        Self { first: Arc::new(first), second: Arc::new(second) }
    }
}

impl First {
    /// The decision of the first limiter; an error is handled here.
    async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>, ()> {
        self.note(self.limiter.take(class, client).await)
    }

    async fn give_back(&self, class: RateClass, client: &str) -> Result<(), ()> {
        self.note(self.limiter.give_back(class, client).await)
    }

    fn note<T>(&self, result: Result<T>) -> Result<T, ()> {
        match result {
            Ok(given) => {
                if self.breaker.succeeded() {
                    tracing::info!(event = "rate_limiter_recovered", "rate limits are shared between replicas again");
                }
                Ok(given)
            }
            Err(error) => {
                if self.breaker.failed() {
                    tracing::warn!(
                        event = "rate_limiter_fell_back",
                        error = &error as &dyn StdError,
                        "the shared rate limiter failed; each replica limits for itself until it works again",
                    );
                }
                Err(())
            }
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl RateLimiter for FallbackLimiter {
    async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>> {
        match self.first.breaker.admit() {
            Admission::Through => {
                if let Ok(decision) = self.first.take(class, client).await {
                    return Ok(decision);
                }
            }
            Admission::Refused => {}
            Admission::Probe => {
                let (first, client) = (Arc::clone(&self.first), client.to_owned());
                // In the background: a failing limiter may take long to fail.
                tokio::spawn(async move { first.take(class, &client).await });
            }
        }
        self.second.take(class, client).await
    }

    /// If the request was counted by the other limiter, which was used in between, this limiter has
    /// nothing to give back, and the other one's count expires by itself.
    async fn give_back(&self, class: RateClass, client: &str) -> Result<()> {
        match self.first.breaker.admit() {
            Admission::Through => {
                if self.first.give_back(class, client).await.is_ok() {
                    return Ok(());
                }
            }
            Admission::Refused => {}
            Admission::Probe => {
                let (first, client) = (Arc::clone(&self.first), client.to_owned());
                tokio::spawn(async move { first.give_back(class, &client).await });
            }
        }
        self.second.give_back(class, client).await
    }

    /// Always pending: the first limiter has to be waited for.
    fn take_now(&self, _: RateClass, _: &str) -> Poll<Option<RateDecision>> {
        Poll::Pending
    }

    /// Whether the first limiter answers. With the second alone requests are still limited, but by each
    /// replica for itself.
    async fn check(&self) -> Result<()> {
        self.first.limiter.check().await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::{task::yield_now, time::timeout};

    use super::*;
    use crate::{error::Error, memory::MemoryLimiter, testing::rate_limit::LIMITS};

    const PATIENCE: Duration = Duration::from_secs(20);
    /// The limits by which a test tells which limiter decided.
    const FIRST: u32 = 1000;
    const SECOND: u32 = 500;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Mood {
        Well,
        Failing,
        Hanging,
    }

    /// A limiter whose behaviour a test sets, and that counts its calls.
    #[derive(Clone, Debug)]
    struct Moody(Arc<(std::sync::Mutex<Mood>, AtomicUsize, MemoryLimiter)>);

    impl Moody {
        fn new(mood: Mood) -> Self {
            let limiter = MemoryLimiter::unlimited().with_limit(RateClass::Search, FIRST);
            Self(Arc::new((std::sync::Mutex::new(mood), AtomicUsize::new(0), limiter)))
        }

        fn turn(&self, mood: Mood) {
            *self.0.0.lock().expect("a mood") = mood;
        }

        fn asked(&self) -> usize {
            self.0.1.load(Ordering::SeqCst)
        }

        async fn obey(&self) -> Result<()> {
            let mood = *self.0.0.lock().expect("a mood");
            match mood {
                Mood::Well => Ok(()),
                Mood::Failing => Err(Error::cache("it is out", true)),
                Mood::Hanging => future::pending().await,
            }
        }
    }

    #[async_trait]
    impl RateLimiter for Moody {
        async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>> {
            self.0.1.fetch_add(1, Ordering::SeqCst);
            self.obey().await?;
            self.0.2.take(class, client).await
        }

        async fn give_back(&self, class: RateClass, client: &str) -> Result<()> {
            self.obey().await?;
            self.0.2.give_back(class, client).await
        }

        async fn check(&self) -> Result<()> {
            self.obey().await
        }
    }

    fn limiter(first: &Moody, pause: Duration) -> FallbackLimiter {
        let second = MemoryLimiter::unlimited().with_limit(RateClass::Search, SECOND);
        FallbackLimiter::with_pause(first.clone(), second, pause)
    }

    /// The limit of the limiter that decided one request.
    async fn limit(limiter: &FallbackLimiter) -> u32 {
        let taking = timeout(PATIENCE, limiter.take(RateClass::Search, "a")).await;
        taking.expect("nobody is held up").expect("take").expect("the class is limited").limit
    }

    #[tokio::test]
    async fn one_that_is_out_is_left_alone_for_a_while() {
        let first = Moody::new(Mood::Failing);
        let limiter = limiter(&first, Duration::from_hours(1));
        for _ in 0..100 {
            assert_eq!(limit(&limiter).await, SECOND);
        }
        assert_eq!(first.asked(), 1);
        assert!(limiter.check().await.is_err(), "its health is the first's");
    }

    #[tokio::test]
    async fn one_that_is_back_is_used_again() {
        let first = Moody::new(Mood::Well);
        let limiter = limiter(&first, Duration::from_millis(5));
        assert_eq!(limit(&limiter).await, FIRST);
        for _ in 0..3 {
            first.turn(Mood::Failing);
            assert_eq!(limit(&limiter).await, SECOND);
            first.turn(Mood::Well);
            let back = async {
                while limit(&limiter).await == SECOND {
                    yield_now().await;
                }
            };
            timeout(PATIENCE, back).await.expect("the first is used again");
            limiter.check().await.expect("check");
        }
    }

    #[tokio::test]
    async fn trying_one_that_hangs_holds_nobody_up() {
        let first = Moody::new(Mood::Failing);
        let limiter = limiter(&first, Duration::ZERO);
        assert_eq!(limit(&limiter).await, SECOND);
        first.turn(Mood::Hanging);
        for _ in 0..10 {
            assert_eq!(limit(&limiter).await, SECOND);
        }
        let tried = async {
            while first.asked() < 2 {
                yield_now().await;
            }
        };
        timeout(PATIENCE, tried).await.expect("it is tried");
    }

    fn suite_limiter() -> MemoryLimiter {
        let limiter = MemoryLimiter::unlimited();
        LIMITS.into_iter().fold(limiter, |limiter, (class, limit)| limiter.with_limit(class, limit))
    }

    mod with_the_first {
        use super::*;

        crate::rate_limiter_conformance!(async {
            (FallbackLimiter::new(suite_limiter(), Moody::new(Mood::Failing)), ())
        });
    }

    mod with_the_second {
        use super::*;

        /// Fails for requests, but passes health checks.
        #[derive(Debug)]
        struct Out;

        #[async_trait]
        impl RateLimiter for Out {
            async fn take(&self, _: RateClass, _: &str) -> Result<Option<RateDecision>> {
                Err(Error::cache("it is out", true))
            }

            async fn give_back(&self, _: RateClass, _: &str) -> Result<()> {
                Err(Error::cache("it is out", true))
            }

            async fn check(&self) -> Result<()> {
                Ok(())
            }
        }

        crate::rate_limiter_conformance!(async { (FallbackLimiter::new(Out, suite_limiter()), ()) });
    }
}
