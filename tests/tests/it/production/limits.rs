//! Limits that servers share.

use std::time::{Duration, Instant};

use aam_registry_tests::{Answer, Api, Server, Stores, eventually, replicas, report};
use reqwest::Method;

const LIMIT: u64 = 30;

/// What a client that asked two servers in turn was allowed.
struct Tally {
    allowed: u64,
    refused: u64,
    took: Duration,
}

/// Asks both servers in turn, more than twice as often as one allows. Repeats this until Redis was fast
/// enough for both servers all the time.
async fn ask_with_redis(servers: &[Server; 2]) -> Tally {
    let failures = || servers.iter().map(|server| server.log().matches("\"redis_failed\"").count()).sum::<usize>();
    let undisturbed = async || {
        if !budget_is_one(servers).await {
            return None;
        }
        let before = failures();
        let tally = ask(servers).await;
        (failures() == before).then_some(tally)
    };
    eventually("a while in which Redis answers in time", undisturbed).await.0
}

/// Asks both servers in turn, as a client that is new to them.
async fn ask(servers: &[Server; 2]) -> Tally {
    let apis = servers.each_ref().map(Server::anonymous);
    let client = new_client();
    let began = Instant::now();
    let mut tally = Tally { allowed: 0, refused: 0, took: Duration::ZERO };
    for at in 0..LIMIT * 5 / 2 {
        let answer = search(&apis[usize::try_from(at % 2).expect("0 or 1")], &client).await;
        assert_eq!(number(&answer, "ratelimit-limit"), LIMIT);
        match answer.status {
            200 => {
                tally.allowed += 1;
                assert!(number(&answer, "ratelimit-remaining") < LIMIT);
            }
            429 => {
                assert_eq!(answer.json()["error"], "rate_limited");
                assert!(number(&answer, "retry-after") >= 1 && number(&answer, "ratelimit-reset") >= 1);
                assert_eq!(number(&answer, "ratelimit-remaining"), 0);
                tally.refused += 1;
            }
            other => panic!("{other}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
    tally.took = began.elapsed();
    tally
}

/// An address that no other client has.
fn new_client() -> String {
    let [a, b, c] = rand::random::<[u8; 3]>();
    format!("10.{a}.{b}.{c}")
}

async fn search(api: &Api, client: &str) -> Answer {
    // The tests run on this machine, and its `X-Forwarded-For` is trusted.
    Answer::of(api.request(Method::GET, "/api/v1/packages?q=kit").header("x-forwarded-for", client)).await
}

fn number(answer: &Answer, header: &str) -> u64 {
    answer.header(header).parse().unwrap_or_else(|_| panic!("{header}: {:?}", answer.header(header)))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_one_budget_for_as_long_as_redis_answers() {
    let mut stores = Stores::start().await;
    let settings = stores.settings().with("RATE_LIMIT_SEARCH", LIMIT.to_string());
    let servers = replicas::<2>(&settings).await;
    ask_with_redis(&servers).await.expect_budgets("together", 1);

    stores.redis.kill();
    // The request that notices the failure first has taken from one of the two limits.
    for server in &servers {
        search(&server.anonymous(), &new_client()).await.expect_status(200);
    }
    ask(&servers).await.expect_budgets("each for itself", 2);

    stores.redis.start_again().await;
    let together = async || budget_is_one(&servers).await.then_some(());
    let ((), took) = eventually("both servers to limit by Redis again", together).await;
    report(format_args!("together again after {took:?}"));
    ask_with_redis(&servers).await.expect_budgets("together again", 1);
}

impl Tally {
    /// Asserts that `budgets` limits were available, plus the requests given back meanwhile.
    #[track_caller]
    fn expect_budgets(&self, how: &str, budgets: u64) {
        let Self { allowed, refused, took } = *self;
        report(format_args!("{how}: {allowed} allowed, {refused} refused in {took:?}"));
        let given_back = u64::try_from(took.as_millis()).expect("short") * LIMIT / 60_000 + 1;
        assert!((budgets * LIMIT..=budgets * (LIMIT + given_back)).contains(&allowed), "{allowed} were allowed");
    }
}

/// Whether a request to one server reduces what the other has left.
async fn budget_is_one(servers: &[Server; 2]) -> bool {
    let client = new_client();
    let mut left = Vec::new();
    for server in servers {
        left.push(number(&search(&server.anonymous(), &client).await, "ratelimit-remaining"));
    }
    left == [LIMIT - 1, LIMIT - 2]
}
