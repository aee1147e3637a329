//! Webhooks, from the change to the receiver.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use aam_registry_core::{
    memory::{InsecureSecrets, MemoryMetadata},
    ports::{Clock, JobQueue, WebhookAnswer, WebhookMessage, WebhookSender},
    registry::{WebhookRequest, WebhookUpdate},
    types::{
        AuditEvent, DisableReason, Job, JobFilter, JobSelection, JobState, OperatorWebhook, PageRequest, Principal,
        ScopeName, ScopeWebhook, Visibility, WebhookName, WebhookSecret, WebhookUrl,
    },
};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::world::{World, archive_with};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A message as a receiver got it: address, secret, id, body.
type Received = (String, String, String, Value);

/// Receivers that note what they get, and answer as they are told to; 204 when they are not.
#[derive(Clone, Debug, Default)]
struct Receivers {
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<Result<WebhookAnswer, String>>>>,
}

impl Receivers {
    fn answering(answers: impl IntoIterator<Item = Result<WebhookAnswer, String>>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        Self { answers, ..Self::default() }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }
}

#[async_trait]
impl WebhookSender for Receivers {
    fn refusal(&self, url: &WebhookUrl) -> Option<String> {
        (url.host() == "10.0.0.1").then(|| "10.0.0.1 may not be called".to_owned())
    }

    async fn send(&self, message: &WebhookMessage<'_>) -> Result<WebhookAnswer, String> {
        let (url, secret) = (message.url.as_str().to_owned(), message.secret.expose().to_owned());
        let body = serde_json::from_str(message.body).expect("JSON");
        self.received.lock().expect("not poisoned").push((url, secret, message.id.to_owned(), body));
        self.answers.lock().expect("not poisoned").pop_front().unwrap_or_else(|| answered(204, None))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a receiver may also give no answer")]
fn answered(status: u16, retry_after: Option<u64>) -> Result<WebhookAnswer, String> {
    Ok(WebhookAnswer { status, retry_after: retry_after.map(Duration::from_secs) })
}

/// A registry whose webhooks reach `receivers`, and `ada` who owns the scope of her name.
async fn world(receivers: &Receivers, operator: Vec<OperatorWebhook>) -> (World, Principal, ScopeName) {
    let sender = receivers.clone();
    let world = World::with(|builder, _, _| builder.secrets(InsecureSecrets).webhook_delivery(sender, operator));
    let ada = world.user("ada").await;
    (world, ada, "ada".parse().expect("a scope"))
}

async fn webhook(world: &World, by: &Principal, scope: &ScopeName, events: &[&str]) -> ScopeWebhook {
    let request = WebhookRequest {
        url: format!("https://hooks.example/{scope}"),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        secret: Some(SECRET.to_owned()),
    };
    world.registry.create_webhook(by, scope, request).await.expect("a webhook").0
}

/// Runs the background work until nothing is due.
async fn settle(world: &World) {
    let queue: MemoryMetadata = world.database.clone();
    world
        .registry
        .run_background(async {
            while !is_idle(&queue).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
}

async fn is_idle(queue: &MemoryMetadata) -> bool {
    let page = PageRequest { page: 1, limit: 100 };
    let running = Some(JobState::Running);
    let filter = JobFilter { id: None, kind: None, state: running, with_done: false, newest_first: false, page };
    queue.due_kinds().await.expect("look").is_empty() && queue.jobs(&filter).await.expect("list").total == 0
}

async fn deliveries(world: &World, by: &Principal, webhook: &ScopeWebhook) -> Vec<Job> {
    let page = PageRequest { page: 1, limit: 100 };
    let listed = world.registry.webhook_deliveries(by, &webhook.scope, webhook.id, page).await;
    listed.expect("listed").items
}

#[tokio::test]
async fn a_webhook_receives_the_events_of_its_scope_alone() {
    let receivers = Receivers::default();
    let (world, ada, scope) = world(&receivers, Vec::new()).await;
    let eve = world.user("eve").await;
    let webhook = webhook(&world, &ada, &scope, &["package.publish", "scope.member_set"]).await;
    world.published(&ada, "@ada/kit", "1.0.0").await;
    world.published(&ada, "plain-kit", "1.0.0").await;
    world.published(&eve, "@eve/kit", "1.0.0").await;
    let (team, bob) = ("eve".parse().expect("a scope"), "ada".parse().expect("a name"));
    let role = aam_registry_core::types::ScopeRole::Member;
    world.registry.set_member(&eve, &team, &bob, role).await.expect("a member");
    settle(&world).await;
    let received = receivers.received();
    let [(url, secret, id, body)] = &*received else { panic!("one message: {received:?}") };
    assert_eq!((url.as_str(), secret.as_str()), (webhook.url.as_str(), SECRET));
    assert_eq!((&body["type"], &body["data"]["package"]), (&json!("package.publish"), &json!("@ada/kit")));
    assert_eq!((&body["data"]["id"], &body["data"]["actor"]), (&json!(id), &json!("ada")));
    let listed = deliveries(&world, &ada, &webhook).await;
    assert_eq!((listed.len(), listed[0].state, listed[0].attempts), (1, JobState::Done, 1));
}

/// Both go through one delivery, and the message has one id.
#[tokio::test]
async fn the_operator_and_a_scope_receive_the_same_message() {
    let receivers = Receivers::default();
    let operator = OperatorWebhook {
        private: false,
        name: WebhookName::parse("ci").expect("a name"),
        url: WebhookUrl::parse("https://operator.example/").expect("an address"),
        secret: WebhookSecret::parse(SECRET).expect("a secret"),
        events: vec![AuditEvent::PackagePublish, AuditEvent::UserRegister],
    };
    let (world, ada, scope) = world(&receivers, vec![operator]).await;
    webhook(&world, &ada, &scope, &["package.publish"]).await;
    world.published(&ada, "@ada/kit", "1.0.0").await;
    settle(&world).await;
    let mut received = receivers.received();
    received.retain(|(.., body)| body["type"] == "package.publish");
    let [(one, _, id, body), (other, _, same_id, same_body)] = &*received else { panic!("two: {received:?}") };
    assert_eq!((id, body), (same_id, same_body));
    assert_ne!(one, other);
}

/// The hooks of its own scope are told of a private package, the operator's where they ask for it.
#[tokio::test]
async fn the_operator_is_told_of_private_packages_where_that_is_asked_for() {
    let receivers = Receivers::default();
    let operator = |name: &str, private| OperatorWebhook {
        private,
        name: WebhookName::parse(name).expect("a name"),
        url: WebhookUrl::parse(&format!("https://{name}.example/")).expect("an address"),
        secret: WebhookSecret::parse(SECRET).expect("a secret"),
        events: vec![AuditEvent::PackagePublish, AuditEvent::VisibilityChange, AuditEvent::VersionYank],
    };
    let (world, ada, scope) = world(&receivers, vec![operator("public", false), operator("all", true)]).await;
    let own = webhook(&world, &ada, &scope, &["package.publish", "visibility.change", "version.yank"]).await;
    let (kit, one) = ("@ada/kit".parse().expect("a name"), "1.0.0".parse().expect("a version"));
    let told = async || {
        settle(&world).await;
        let received: Vec<_> = receivers.received().into_iter().map(|(url, ..)| url).collect();
        [own.url.as_str(), "https://public.example/", "https://all.example/"]
            .map(|url| received.iter().filter(|one| *one == url).count())
    };
    world.publish(&ada, archive_with("@ada/kit", "1.0.0", "private: true\n")).await.expect("published");
    world.registry.yank(&ada, &kit, &one, None).await.expect("yanked");
    assert_eq!(told().await, [2, 0, 2]);
    world.registry.set_visibility(&ada, &kit, Visibility::Public).await.expect("changed");
    world.registry.unyank(&ada, &kit, &one).await.expect("unyanked");
    assert_eq!(told().await, [3, 1, 3], "everybody may know what is public");
    world.registry.set_visibility(&ada, &kit, Visibility::Private).await.expect("changed");
    assert_eq!(told().await, [4, 1, 4]);
}

#[tokio::test]
async fn what_is_sent_again_has_one_id() {
    let receivers = Receivers::default();
    let (world, ada, scope) = world(&receivers, Vec::new()).await;
    let webhook = webhook(&world, &ada, &scope, &["package.publish"]).await;
    world.published(&ada, "@ada/kit", "1.0.0").await;
    settle(&world).await;
    let delivery = deliveries(&world, &ada, &webhook).await[0].id;
    let again = world.registry.redeliver(&ada, &scope, delivery).await.expect("sent again");
    assert_eq!((again.id, again.state), (delivery, JobState::Waiting));
    settle(&world).await;
    let received = receivers.received();
    assert_eq!((received.len(), &received[0]), (2, &received[1]));
    assert_eq!(deliveries(&world, &ada, &webhook).await.len(), 1);
}

#[tokio::test]
async fn a_ping_is_tried_once_and_says_how_it_ended() {
    let receivers = Receivers::answering([answered(204, None), answered(500, None)]);
    let (world, ada, scope) = world(&receivers, Vec::new()).await;
    let webhook = webhook(&world, &ada, &scope, &["package.publish"]).await;
    for (state, error) in [(JobState::Done, None), (JobState::Failed, Some("the receiver answered 500"))] {
        let ping = world.registry.ping_webhook(&ada, &scope, webhook.id).await.expect("queued");
        settle(&world).await;
        let ended = deliveries(&world, &ada, &webhook).await.remove(0);
        assert_eq!((ended.id, ended.state, ended.last_error.as_deref()), (ping.id, state, error));
        let (_, _, id, body) = receivers.received().pop().expect("a message");
        assert_eq!((id, &body["type"], &body["data"]["scope"]), (ping.id.to_string(), &json!("ping"), &json!("ada")));
    }
    let found = world.registry.scope_webhook(&ada, &scope, webhook.id).await.expect("there");
    assert_eq!(found.failing_since, None, "a test says nothing of the deliveries");
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_no_more_until_it_is_enabled_again() {
    let receivers = Receivers::answering([answered(410, Some(5))]);
    let (world, ada, scope) = world(&receivers, Vec::new()).await;
    let webhook = webhook(&world, &ada, &scope, &["package.publish"]).await;
    world.published(&ada, "@ada/kit", "1.0.0").await;
    settle(&world).await;
    world.published(&ada, "@ada/kit", "1.1.0").await;
    settle(&world).await;
    assert_eq!(receivers.received().len(), 1);
    let found = world.registry.scope_webhook(&ada, &scope, webhook.id).await.expect("there");
    assert_eq!(found.disabled.map(|disabled| disabled.reason), Some(DisableReason::Gone));
    assert_eq!(deliveries(&world, &ada, &webhook).await[0].state, JobState::Failed);
    let enable = WebhookUpdate { enabled: Some(true), ..WebhookUpdate::default() };
    world.registry.update_webhook(&ada, &scope, webhook.id, enable).await.expect("enabled");
    world.published(&ada, "@ada/kit", "1.2.0").await;
    settle(&world).await;
    assert_eq!(receivers.received().len(), 2);
}

#[tokio::test]
async fn what_an_answer_means() {
    let waits: &[(Result<WebhookAnswer, String>, Option<u64>)] = &[
        (answered(199, None), Some(5)),
        (answered(301, None), Some(5)),
        (answered(404, None), Some(5)),
        (answered(503, None), Some(5)),
        (answered(429, Some(90)), Some(90)),
        (answered(503, Some(u64::MAX)), Some(24 * 3600)),
        (Err("no answer".to_owned()), Some(5)),
        (answered(410, None), None),
    ];
    for (answer, wait) in waits {
        let receivers = Receivers::answering([answer.clone()]);
        let (world, ada, scope) = world(&receivers, Vec::new()).await;
        let webhook = webhook(&world, &ada, &scope, &["package.publish"]).await;
        world.published(&ada, "@ada/kit", "1.0.0").await;
        settle(&world).await;
        let job = deliveries(&world, &ada, &webhook).await.remove(0);
        match wait {
            None => assert_eq!(job.state, JobState::Failed, "{answer:?}"),
            Some(seconds) => {
                assert_eq!(job.state, JobState::Waiting, "{answer:?}");
                let waits = job.due_at.duration_since(job.created_at).as_secs();
                let longest = i64::try_from(seconds + seconds / 5 + 1).expect("short");
                assert!((i64::try_from(*seconds).expect("short")..=longest).contains(&waits), "{answer:?}: {waits}");
                let found = world.registry.scope_webhook(&ada, &scope, webhook.id).await.expect("there");
                assert!(found.failing_since.is_some(), "{answer:?}");
            }
        }
    }
}

/// The schedule of the attempts, and what a receiver gets meanwhile.
#[tokio::test]
async fn a_delivery_is_given_up_after_ten_attempts() {
    let receivers = Receivers::answering(vec![answered(500, None); 10]);
    let (world, ada, scope) = world(&receivers, Vec::new()).await;
    let webhook = webhook(&world, &ada, &scope, &["package.publish"]).await;
    world.published(&ada, "@ada/kit", "1.0.0").await;
    let mut waits = Vec::new();
    loop {
        settle(&world).await;
        let job = deliveries(&world, &ada, &webhook).await.remove(0);
        if job.state == JobState::Failed {
            break;
        }
        let now = world.clock.now();
        waits.push(job.due_at.duration_since(now).as_secs());
        // The clock counts whole microseconds.
        let wait = Duration::try_from(job.due_at.duration_since(now)).expect("later");
        world.clock.advance(wait + Duration::from_micros(1));
    }
    let least = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
    assert_eq!(waits.len(), least.len());
    for (wait, least) in waits.iter().zip(least) {
        assert!((least..=least + least / 5 + 1).contains(wait), "{waits:?}");
    }
    assert_eq!(receivers.received().len(), 10);
    world.registry.retry_jobs(&JobSelection::Failed { kind: None }).await.expect("retried");
    settle(&world).await;
    assert_eq!(deliveries(&world, &ada, &webhook).await[0].state, JobState::Done);
}

fn ci() -> OperatorWebhook {
    OperatorWebhook {
        private: false,
        name: WebhookName::parse("ci").expect("a name"),
        url: WebhookUrl::parse("https://operator.example/").expect("an address"),
        secret: WebhookSecret::parse(SECRET).expect("a secret"),
        events: vec![AuditEvent::PackagePublish],
    }
}

#[tokio::test]
async fn a_receiver_of_the_operator_that_is_gone_gets_no_more_until_it_is_enabled_again() {
    let receivers = Receivers::answering([answered(410, None)]);
    let (world, ada, _) = world(&receivers, vec![ci()]).await;
    world.published(&ada, "@ada/kit", "1.0.0").await;
    settle(&world).await;
    world.published(&ada, "@ada/kit", "1.1.0").await;
    settle(&world).await;
    assert_eq!(receivers.received().len(), 1);
    let states = world.registry.operator_webhook_states().await.expect("states");
    assert_eq!(states[0].disabled.map(|disabled| disabled.reason), Some(DisableReason::Gone));
    assert!(world.registry.enable_operator_webhook(&ci().name).await.expect("enabled"));
    assert!(!world.registry.enable_operator_webhook(&ci().name).await.expect("it is in use"));
    world.published(&ada, "@ada/kit", "1.2.0").await;
    settle(&world).await;
    assert_eq!(receivers.received().len(), 2);
    assert_eq!(world.registry.operator_webhook_states().await.expect("states"), []);
}

/// What waits for it is given up without being sent.
#[tokio::test]
async fn a_week_of_failures_disables_a_webhook_of_the_operator() {
    let receivers = Receivers::answering(vec![answered(500, None); 30]);
    let (world, ada, _) = world(&receivers, vec![ci()]).await;
    // A login ends after a day.
    let ada = world.token(&ada, &["publish"], &[]).await;
    for day in 0..8 {
        world.published(&ada, "@ada/kit", &format!("1.{day}.0")).await;
        settle(&world).await;
        world.clock.advance(Duration::from_hours(24));
    }
    settle(&world).await;
    let states = world.registry.operator_webhook_states().await.expect("states");
    assert_eq!(states[0].disabled.map(|disabled| disabled.reason), Some(DisableReason::Failing));
    let before = receivers.received().len();
    world.clock.advance(Duration::from_hours(24));
    settle(&world).await;
    assert_eq!(receivers.received().len(), before);
}

/// As far as the address itself tells; when it is made, and when it is changed.
#[tokio::test]
async fn a_webhook_to_an_address_inside_is_refused_when_it_is_made() {
    let (world, ada, scope) = world(&Receivers::default(), Vec::new()).await;
    let inside = "https://10.0.0.1/hook".to_owned();
    let events = vec!["package.publish".to_owned()];
    let request = WebhookRequest { url: inside.clone(), events, secret: None };
    let refused = world.registry.create_webhook(&ada, &scope, request).await.expect_err("inside");
    assert_eq!((&*refused.details()[0].field, &*refused.details()[0].error), ("url", "10.0.0.1 may not be called"));
    let webhook = webhook(&world, &ada, &scope, &["package.publish"]).await;
    let update = WebhookUpdate { url: Some(inside), ..WebhookUpdate::default() };
    let refused = world.registry.update_webhook(&ada, &scope, webhook.id, update).await.expect_err("inside");
    assert_eq!(&*refused.details()[0].field, "url");
}

#[tokio::test]
async fn kinds_that_nobody_handles_are_known() {
    let (world, ada, scope) = world(&Receivers::default(), vec![ci()]).await;
    let webhook = webhook(&world, &ada, &scope, &["package.publish"]).await;
    for kind in ["event", "mail", "mail:ada", "webhook:ci", &webhook.job_kind()] {
        assert!(world.registry.handles_jobs_of(kind), "{kind}");
    }
    for kind in ["scan", "webhook:old", "webhook", "events"] {
        assert!(!world.registry.handles_jobs_of(kind), "{kind}");
    }
}
