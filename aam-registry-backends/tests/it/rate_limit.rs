use aam_registry_backends::{RateLimits, governor::GovernorLimiter};
use aam_registry_core::{
    ports::{RateClass, RateLimiter},
    rate_limiter_conformance,
    testing::rate_limit::LIMITS,
};

rate_limiter_conformance!(async {
    let limits = LIMITS.into_iter().fold(RateLimits::default(), |limits, (class, limit)| limits.with(class, limit));
    (GovernorLimiter::new(&limits), ())
});

#[tokio::test]
async fn the_defaults_are_those_of_the_contract() {
    let limiter = GovernorLimiter::new(&RateLimits::default());
    let expected = [
        (RateClass::Search, 100),
        (RateClass::Download, 1000),
        (RateClass::Contents, 60),
        (RateClass::Publish, 10),
        (RateClass::Auth, 20),
        (RateClass::Other, 300),
    ];
    for (class, limit) in expected {
        let decision = limiter.take(class, "a").await.expect("take").expect("the class is limited");
        assert_eq!((decision.limit, decision.remaining), (limit, limit - 1), "{class:?}");
    }
    let off = GovernorLimiter::new(&RateLimits::OFF);
    for class in RateClass::ALL {
        assert_eq!(off.take(class, "a").await.expect("take"), None);
    }
}
