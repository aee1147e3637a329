use std::time::Duration;

use aam_registry_core::{
    Result,
    ports::{RateClass, RateLimiter},
    types::RateDecision,
};
use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use redis::Script;
use sha2::{Digest, Sha256};

use super::{RedisLink, purpose::Purpose};
use crate::RateLimits;

/// Limits clients together with all other limiters of the same registry: a client may use all requests
/// of a period at once, and then gets them back evenly.
///
/// Uses the clock of Redis, and stores only a hash of each client's name, for at most the period of the
/// class. Fails if Redis is unavailable; wrap it in a
/// [`FallbackLimiter`](aam_registry_core::decorate::FallbackLimiter) to limit with another limiter
/// then.
#[derive(Clone, Debug)]
pub struct RedisLimiter {
    link: RedisLink,
    limits: RateLimits,
    take: Script,
    give_back: Script,
}

impl RedisLimiter {
    /// A limiter with `limits`, which must be the same on every replica.
    pub fn new(link: RedisLink, limits: &RateLimits) -> Self {
        let take = Script::new(include_str!("limiter.lua"));
        let give_back = Script::new(include_str!("limiter_give_back.lua"));
        Self { link, limits: *limits, take, give_back }
    }

    fn rate(&self, class: RateClass) -> Option<Rate> {
        Rate::of(self.limits.of(class), class.period())
    }
}

/// The key of a client: a hash, so that it has a fixed length and does not reveal the client.
fn name_of(class: RateClass, client: &str) -> String {
    let hash = Sha256::digest(client);
    format!("{}:{}", class.as_str(), BASE64URL_NOPAD.encode(&hash[..16]))
}

#[async_trait]
impl RateLimiter for RedisLimiter {
    async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>> {
        let Some(rate) = self.rate(class) else { return Ok(None) };
        let mut lease = self.link.lease(Purpose::Limiter).await?;
        let mut taking = self.take.key(lease.key("limit:", &name_of(class, client)));
        taking.arg(rate.interval).arg(rate.all());
        let (passes, ahead) = lease.script(&taking).await?;
        Ok(Some(rate.decision(passes, ahead)))
    }

    async fn give_back(&self, class: RateClass, client: &str) -> Result<()> {
        let Some(rate) = self.rate(class) else { return Ok(()) };
        let mut lease = self.link.lease(Purpose::Limiter).await?;
        let mut giving = self.give_back.key(lease.key("limit:", &name_of(class, client)));
        giving.arg(rate.interval);
        lease.script(&giving).await
    }

    async fn check(&self) -> Result<()> {
        self.link.check().await
    }
}

/// A limit in the units of the script.
#[derive(Clone, Copy, Debug)]
struct Rate {
    limit: u32,
    period: Duration,
    /// The time in which one request is given back, in whole microseconds.
    interval: u64,
}

impl Rate {
    fn of(limit: u32, period: Duration) -> Option<Self> {
        let micros = u64::try_from(period.as_micros()).ok()?;
        let interval = micros.checked_div(u64::from(limit))?.max(1);
        Some(Self { limit, period, interval })
    }

    /// The time in which all requests are given back, in microseconds.
    fn all(self) -> u64 {
        self.interval * u64::from(self.limit)
    }

    /// Converts the script's answer: whether the request passes, and the microseconds until all
    /// requests are available again.
    fn decision(self, passes: bool, ahead: u64) -> RateDecision {
        let limit = self.limit;
        let interval = self.period / limit;
        if passes {
            let remaining = self.all().saturating_sub(ahead) / self.interval;
            let remaining = u32::try_from(remaining).unwrap_or(limit).min(limit);
            // A request that is partly given back counts as taken.
            RateDecision { limit, remaining, reset: interval * (limit - remaining), retry_after: None }
        } else {
            let wait = Duration::from_micros((ahead + self.interval).saturating_sub(self.all()).max(1));
            RateDecision { limit, remaining: 0, reset: wait + interval * (limit - 1), retry_after: Some(wait) }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn an_answer_is_told_in_whole_requests() {
        let rate = Rate::of(6, MINUTE).expect("a limit");
        let decision = |passes, seconds: u64| rate.decision(passes, seconds * 1_000_000);
        let first = decision(true, 10);
        assert_eq!((first.remaining, first.reset, first.retry_after), (5, Duration::from_secs(10), None));
        let between = decision(true, 15);
        assert_eq!((between.remaining, between.reset), (4, Duration::from_secs(20)));
        let last = decision(true, 60);
        assert_eq!((last.remaining, last.reset), (0, MINUTE));
        let refused = decision(false, 57);
        assert_eq!((refused.remaining, refused.retry_after), (0, Some(Duration::from_secs(7))));
        assert_eq!(refused.reset, Duration::from_secs(57));
    }

    #[test]
    fn no_limit_is_no_rate() {
        assert!(Rate::of(0, MINUTE).is_none());
    }

    proptest! {
        #[test]
        fn every_answer_makes_sense(limit in 1..=u32::MAX, passes: bool, share in 0.0..=1.0_f64) {
            let rate = Rate::of(limit, MINUTE).expect("a limit");
            prop_assert!(rate.all() / rate.interval == u64::from(limit));
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any will do")]
            let ahead = (rate.all() as f64 * share) as u64;
            let decision = rate.decision(passes, ahead);
            prop_assert!(decision.remaining <= limit);
            prop_assert!(decision.retry_after.is_none() == passes);
            prop_assert!(decision.retry_after.is_none_or(|wait| wait <= decision.reset));
        }
    }
}
