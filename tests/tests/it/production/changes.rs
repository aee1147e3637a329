//! A change on one server is visible on the others.

use std::time::Duration;

use aam_registry_tests::{
    Answer, Api, Link, Package, Proxy, Server, Settings, Stopped, Stores, eventually, replicas, report,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Fills the caches of all servers with what is about to change, and measures when each shows the
/// change.
struct Seen<'a> {
    /// An owner's session at each server.
    apis: &'a [Api; 3],
    table: Vec<(&'static str, [Duration; 3])>,
}

const KIT: &str = "/api/v1/packages/kit";
const TEAM: &str = "/api/v1/packages/@team/kit";
/// The reads before every change, so that their answers are cached everywhere.
const READS: [&str; 9] = [
    "/api/v1/packages/kit",
    "/api/v1/packages/kit/versions",
    "/api/v1/packages/kit/1.0.0",
    "/api/v1/packages/kit/tags",
    "/api/v1/packages/kit/owners",
    "/api/v1/packages/kit/resolve",
    "/api/v1/packages/@team/kit",
    "/api/v1/packages/@team/kit/owners",
    "/api/v1/scopes/team",
];

impl Seen<'_> {
    async fn warm(&self) {
        for api in self.apis {
            // Twice: the first read of an uncached value only allows it to be cached.
            for path in READS.iter().chain(&READS) {
                api.get(path).await.expect_status(200);
            }
        }
    }

    /// Waits until every server's answer to `path` is new.
    async fn wait(&mut self, what: &'static str, path: &str, is_new: impl Fn(&Answer) -> bool) {
        self.wait_for(self.apis, what, path, is_new).await;
    }

    async fn wait_for(&mut self, apis: &[Api; 3], what: &'static str, path: &str, is_new: impl Fn(&Answer) -> bool) {
        let waits = apis
            .iter()
            .map(|api| eventually(format!("{what} to be seen"), async || is_new(&api.get(path).await).then_some(())));
        let took: Vec<_> = join_all(waits).await.into_iter().map(|((), took)| took).collect();
        self.table.push((what, took.try_into().expect("one a server")));
    }

    fn print(&self, how: &str) {
        report(format_args!("{how}: after how many ms each server showed a change made through the first"));
        for (what, took) in &self.table {
            let took = took.map(|took| format!("{:>7.1}", took.as_secs_f64() * 1000.0));
            report(format_args!("{what:>24} {}", took.join(" ")));
        }
    }
}

fn is(path: &'static str, expected: Value) -> impl Fn(&Answer) -> bool {
    move |answer| answer.status == 200 && answer.json().pointer(path) == Some(&expected)
}

/// Makes every kind of change through the first server.
async fn change_everything(how: &str, servers: &[Server; 3]) {
    let user = servers[0].user("ada").await;
    let ada = servers.each_ref().map(|server| user.at(server.base()));
    let bob = servers[1].user("bob").await;
    let first = &ada[0];
    first.publish(&Package::new("kit", "1.0.0").aam(), &[]).await.expect_status(201);
    first.post("/api/v1/scopes", &json!({"name": "team"})).await.expect_status(201);
    first.publish(&Package::new("@team/kit", "1.0.0").aam(), &[]).await.expect_status(201);
    let mut seen = Seen { apis: &ada, table: Vec::new() };
    for api in &ada {
        let there = async || (api.get(TEAM).await.status == 200).then_some(());
        eventually("what is new to be there: a miss is never kept", there).await;
    }

    seen.warm().await;
    first.publish(&Package::new("kit", "1.1.0").aam(), &[]).await.expect_status(201);
    seen.wait("publish: latest", KIT, is("/latest_version", json!("1.1.0"))).await;
    seen.wait("publish: resolve", &format!("{KIT}/resolve"), is("/version", json!("1.1.0"))).await;
    seen.wait("publish: versions", &format!("{KIT}/versions"), is("/versions/0/version", json!("1.1.0"))).await;

    seen.warm().await;
    first.put(&format!("{KIT}/tags/beta"), &json!({"version": "1.0.0"})).await.expect_status(200);
    seen.wait("tag", &format!("{KIT}/tags"), is("/tags/beta", json!("1.0.0"))).await;
    seen.warm().await;
    first.delete(&format!("{KIT}/tags/beta")).await.expect_status(204);
    seen.wait("tag removed", &format!("{KIT}/tags"), is("/tags", json!({"latest": "1.1.0"}))).await;

    seen.warm().await;
    first.put(&format!("{KIT}/1.0.0/deprecation"), &json!({"message": "old"})).await.expect_status(200);
    seen.wait("deprecation", &format!("{KIT}/1.0.0"), is("/deprecated", json!("old"))).await;

    seen.warm().await;
    first.delete(&format!("{KIT}/1.1.0")).await.expect_status(200);
    seen.wait("yank: resolve", &format!("{KIT}/resolve"), is("/version", json!("1.0.0"))).await;
    seen.wait("yank: version", &format!("{KIT}/1.1.0"), is("/yanked", json!(true))).await;
    seen.warm().await;
    first.post(&format!("{KIT}/1.1.0/unyank"), &json!({})).await.expect_status(200);
    seen.wait("unyank", KIT, is("/latest_version", json!("1.1.0"))).await;

    // A user who lost a right has lost it on every server at once, even if a cached answer still shows
    // it.
    let second = bob.at(servers[2].base());
    seen.warm().await;
    first.put(&format!("{KIT}/owners/bob"), &json!({})).await.expect_status(200);
    second.publish(&Package::new("kit", "1.2.0").aam(), &[]).await.expect_status(201);
    seen.wait("owner", &format!("{KIT}/owners"), is("/owners", json!(["ada", "bob"]))).await;
    seen.warm().await;
    first.delete(&format!("{KIT}/owners/bob")).await.expect_status(204);
    second.publish(&Package::new("kit", "1.3.0").aam(), &[]).await.expect_status(403);
    seen.wait("owner removed", &format!("{KIT}/owners"), is("/owners", json!(["ada"]))).await;

    seen.warm().await;
    let member = "/api/v1/scopes/team/members/bob";
    first.put(member, &json!({"role": "owner"})).await.expect_status(200);
    second.publish(&Package::new("@team/kit", "1.2.0").aam(), &[]).await.expect_status(201);
    seen.wait("member: scope", "/api/v1/scopes/team", is("/members/1/username", json!("bob"))).await;
    seen.wait("member: package", &format!("{TEAM}/owners"), is("/owners", json!(["ada", "bob"]))).await;
    seen.warm().await;
    first.delete(member).await.expect_status(204);
    second.publish(&Package::new("@team/kit", "1.3.0").aam(), &[]).await.expect_status(403);
    seen.wait("member removed", &format!("{TEAM}/owners"), is("/owners", json!(["ada"]))).await;

    let token = first.post("/api/v1/users/tokens", &json!({"name": "ci", "scopes": ["read"]})).await.expect_status(201);
    let token = token.json();
    let held = ada.each_ref().map(|api| api.with_token(token["token"].as_str().expect("a token")));
    for api in &held {
        api.get("/api/v1/users/me").await.expect_status(200);
    }
    let id = token["id"].as_str().expect("an id");
    first.delete(&format!("/api/v1/users/tokens/{id}")).await.expect_status(204);
    let is_shut_out = |answer: &Answer| answer.status == 401;
    seen.wait_for(&held, "token revoked", "/api/v1/users/me", is_shut_out).await;
    let sessions = servers.each_ref().map(|server| bob.at(server.base()));
    for api in &sessions {
        api.get("/api/v1/users/me").await.expect_status(200);
    }
    sessions[0].post("/api/v1/users/logout", &json!({})).await.expect_status(204);
    seen.wait_for(&sessions, "logout", "/api/v1/users/me", is_shut_out).await;
    seen.print(how);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_redis() {
    let stores = Stores::start().await;
    change_everything("with Redis", &replicas(&stores.settings()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis() {
    let stores = Stores::start().await;
    change_everything("without Redis", &replicas(&stores.settings().without("REDIS_URL")).await).await;
}

/// Two servers, and a third whose connection to Redis goes through a proxy.
async fn with_other_redis(stores: &Stores, proxy: &Proxy) -> [Server; 3] {
    let [first, second] = replicas(&stores.settings()).await;
    let settings = stores.settings().with("REDIS_URL", format!("redis://{}", proxy.address()));
    [first, second, Server::start_on(settings).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_server_that_is_cut_off_from_redis() {
    let stores = Stores::start().await;
    let proxy = Proxy::start(stores.redis.address()).await;
    let servers = with_other_redis(&stores, &proxy).await;
    proxy.set(Link::Cut);
    change_everything("the last cut off from Redis", &servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_server_to_which_redis_is_silent() {
    let stores = Stores::start().await;
    let proxy = Proxy::start(stores.redis.address()).await;
    let servers = with_other_redis(&stores, &proxy).await;
    proxy.set(Link::Silent);
    change_everything("Redis silent to the last", &servers).await;
}

/// The change is made on a server that cannot reach Redis, so Redis notifies nobody.
#[tokio::test(flavor = "multi_thread")]
async fn from_a_server_that_is_cut_off_from_redis() {
    let stores = Stores::start().await;
    let proxy = Proxy::start(stores.redis.address()).await;
    let [first, second, cut_off] = with_other_redis(&stores, &proxy).await;
    proxy.set(Link::Cut);
    change_everything("the first cut off from Redis", &[cut_off, first, second]).await;
}

/// Two servers, and a third that receives the database's notifications through a proxy that can fail.
struct Notified {
    servers: [Server; 3],
    proxy: Proxy,
    _stores: Stores,
}

impl Notified {
    async fn start(change: impl Fn(Settings) -> Settings) -> Self {
        let stores = Stores::start().await;
        let proxy = Proxy::start_with_mark(stores.database.address(), "LISTEN").await;
        let settings = change(stores.settings());
        let [first, second] = replicas(&settings).await;
        let other = settings.with("DATABASE_URL", stores.database.url_at(proxy.address()));
        let third = Stopped::new(other).with_config("cache: { ttl_seconds: 5 }\n").start().await;
        Self { servers: [first, second, third], proxy, _stores: stores }
    }

    /// How often the third server has logged an event.
    fn logged(&self, event: &str) -> usize {
        self.servers[2].log().matches(&format!("\"{event}\"")).count()
    }

    /// Publishes through the first server, and waits until the third shows the version.
    async fn publish(&self, ada: &Api, minor: u32, what: &str) {
        let aam = Package::new("kit", &format!("1.{minor}.0")).aam();
        ada.publish(&aam, &[]).await.expect_status(201);
        let third = self.servers[2].anonymous();
        let shown = is("/latest_version", json!(format!("1.{minor}.0")));
        let seen = async || shown(&third.get(KIT).await).then_some(());
        let ((), took) = eventually(format!("a version to be seen {what}"), seen).await;
        report(format_args!("{what}: seen after {took:?}"));
    }

    /// Reads until the answer is cached in memory.
    async fn warm(&self) {
        for _ in 0..3 {
            self.servers[2].anonymous().get(KIT).await.expect_status(200);
        }
    }
}

async fn notifications_fail(how: &str, change: impl Fn(Settings) -> Settings) {
    let notified = Notified::start(change).await;
    let ada = notified.servers[0].user("ada").await;
    notified.publish(&ada, 0, "while all is well").await;
    notified.warm().await;

    notified.proxy.set_marked(Link::Silent);
    notified.publish(&ada, 1, &format!("{how}, notifications silent")).await;
    notified.warm().await;
    notified.proxy.set_marked(Link::Passes);
    notified.publish(&ada, 2, &format!("{how}, notifications back")).await;

    // Once the server notices that the connection is broken, it caches nothing and reads everything
    // from the database.
    let lost = notified.logged("change_feed_lost");
    notified.proxy.set_marked(Link::Cut);
    let noticed = async || (notified.logged("change_feed_lost") > lost).then_some(());
    let ((), took) = eventually("the broken link to be noticed", noticed).await;
    report(format_args!("{how}: a cut link is noticed after {took:?}"));
    for minor in 3..8 {
        notified.warm().await;
        ada.publish(&Package::new("kit", &format!("1.{minor}.0")).aam(), &[]).await.expect_status(201);
        let shown = notified.servers[2].anonymous().get(KIT).await.expect_status(200).json();
        assert_eq!(shown["latest_version"], format!("1.{minor}.0"), "nothing is kept while nothing is told");
    }

    // Stale values from the time of the interruption are not shown after the connection is restored.
    let linked = notified.logged("change_feed_linked");
    notified.proxy.set_marked(Link::Passes);
    let stands = async || (notified.logged("change_feed_linked") > linked).then_some(());
    let ((), took) = eventually("the link to stand again", stands).await;
    report(format_args!("{how}: a healed link stands after {took:?}"));
    let shown = notified.servers[2].anonymous().get(KIT).await.expect_status(200).json();
    assert_eq!(shown["latest_version"], "1.7.0");
    notified.warm().await;
    notified.publish(&ada, 8, &format!("{how}, healed")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_notifications_that_fail() {
    notifications_fail("with Redis", |settings| settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_notifications_that_fail_and_no_redis() {
    notifications_fail("without Redis", |settings| settings.without("REDIS_URL")).await;
}
