//! Clients that send all kinds of requests all the time, and record the outcomes.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_tests::{Answer, Api, PATIENCE, Package, Server, eventually};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::sent::Sent;

/// How long a client waits for an answer; only a request that hangs takes that long.
const HANGS: Duration = Duration::from_mins(5);
/// The pause between two requests of one client.
const PAUSE: Duration = Duration::from_millis(30);

/// The kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// An anonymous download of an archive that was downloaded before.
    Download,
    /// An anonymous read of a package.
    Package,
    /// An anonymous search.
    Search,
    /// A read with a credential.
    Account,
    /// A publish, and a download of the version from another server.
    Publish,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Download, Self::Package, Self::Search, Self::Account, Self::Publish];
}

/// The outcomes of requests of one kind in one phase, as clients saw them.
type Outcomes = BTreeMap<String, Outcome>;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) times: u64,
    pub(crate) slowest: Duration,
}

/// Clients that are running.
#[derive(Debug)]
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Anonymous clients, and clients with a publisher's credential, for each server.
    anybody: Vec<Api>,
    publisher: Vec<Api>,
    phase: Mutex<&'static str>,
    seen: Mutex<Seen>,
    serial: AtomicU64,
    published: Mutex<Vec<Sent>>,
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct Seen {
    phases: Vec<&'static str>,
    /// How many requests of each phase wait for their answer.
    under_way: BTreeMap<&'static str, usize>,
    outcomes: BTreeMap<(&'static str, Kind), Outcomes>,
}

/// How many packages are downloaded repeatedly.
const KNOWN: u64 = 4;

impl Load {
    /// Starts clients of `servers`.
    pub(crate) async fn start(servers: &[Server]) -> Self {
        let anybody: Vec<_> = servers.iter().map(Server::anonymous).collect();
        let session = servers[0].user("publisher").await;
        let publisher: Vec<_> = servers.iter().map(|server| session.at(server.base())).collect();
        for at in 0..KNOWN {
            let aam = Package::new(&format!("known-{at}"), "1.0.0").file("noise", crate::sent::noise(50_000)).aam();
            publisher[0].publish(&aam, &[]).await.expect_status(201);
            for api in &anybody {
                api.get(&format!("/api/v1/packages/known-{at}/1.0.0/download")).await.expect_status(200);
            }
        }
        let shared = Arc::new(Shared {
            anybody,
            publisher,
            phase: Mutex::new("before"),
            seen: Mutex::default(),
            serial: AtomicU64::new(0),
            published: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        shared.seen.lock().expect("not poisoned").phases.push("before");
        let clients =
            Kind::ALL.iter().zip(0..).map(|(kind, seed)| tokio::spawn(Arc::clone(&shared).keep_doing(*kind, seed)));
        let clients = clients.collect();
        Self { shared, clients }
    }

    /// Requests that begin from now on belong to the phase `name`.
    pub(crate) fn phase(&self, name: &'static str) {
        let mut phase = self.shared.phase.lock().expect("not poisoned");
        *phase = name;
        let mut seen = self.shared.seen.lock().expect("not poisoned");
        if !seen.phases.contains(&name) {
            seen.phases.push(name);
        }
    }

    /// Begins a phase after every request of the previous one has its answer.
    pub(crate) async fn calm_phase(&self, name: &'static str) {
        self.phase(name);
        let all_of_it = async || {
            let seen = self.shared.seen.lock().expect("not poisoned");
            seen.under_way.iter().all(|(phase, count)| *phase == name || *count == 0).then_some(())
        };
        eventually(format!("{name} to begin"), all_of_it).await;
    }

    /// Continues the phase for that long.
    pub(crate) async fn go_on(&self, long: Duration) {
        tokio::time::sleep(long).await;
    }

    /// Begins the phase `healing` and waits until all requests succeed again at every server; returns
    /// how long that took.
    pub(crate) async fn heal(&self) -> Duration {
        self.phase("healing");
        let began = Instant::now();
        let mut rng = StdRng::seed_from_u64(99);
        for kind in Kind::ALL {
            for at in 0..self.shared.anybody.len() {
                while !self.shared.attempt(kind, at, &mut rng).await.starts_with("20") {
                    assert!(began.elapsed() < PATIENCE, "{kind:?} does not heal\n{self}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        began.elapsed()
    }

    /// Stops the clients; returns what they published.
    pub(crate) async fn stop(&mut self) -> Vec<Sent> {
        self.shared.is_over.store(true, Ordering::Release);
        for client in self.clients.drain(..) {
            client.await.expect("clients end");
        }
        self.shared.published.lock().expect("not poisoned").clone()
    }

    /// The outcomes of one kind in one phase.
    pub(crate) fn seen(&self, phase: &'static str, kind: Kind) -> Outcomes {
        let seen = self.shared.seen.lock().expect("not poisoned");
        seen.outcomes.get(&(phase, kind)).cloned().unwrap_or_default()
    }

    /// Asserts that in `phase` clients saw only outcomes in `allowed`, and at least one.
    #[track_caller]
    pub(crate) fn expect(&self, phase: &'static str, kinds: &[Kind], allowed: &[&str]) {
        for kind in kinds {
            let seen = self.seen(phase, *kind);
            let as_allowed = seen.keys().all(|outcome| allowed.contains(&outcome.as_str()));
            assert!(as_allowed && !seen.is_empty(), "{kind:?} {phase}: only {allowed:?} may be seen\n{self}");
        }
    }

    /// Asserts that no request took longer than `most`.
    #[track_caller]
    pub(crate) fn expect_no_longer_than(&self, most: Duration) {
        let seen = self.shared.seen.lock().expect("not poisoned");
        let slowest = seen.outcomes.values().flat_map(BTreeMap::values).map(|outcome| outcome.slowest).max();
        drop(seen);
        assert!(slowest.is_some_and(|slowest| slowest <= most), "something took longer than {most:?}\n{self}");
    }
}

impl Shared {
    async fn keep_doing(self: Arc<Self>, kind: Kind, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        while !self.is_over.load(Ordering::Acquire) {
            let at = rng.random_range(0..self.anybody.len());
            self.attempt(kind, at, &mut rng).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Makes one request, records its outcome and returns it.
    async fn attempt(&self, kind: Kind, at: usize, rng: &mut StdRng) -> String {
        let phase = {
            let phase = *self.phase.lock().expect("not poisoned");
            *self.seen.lock().expect("not poisoned").under_way.entry(phase).or_default() += 1;
            phase
        };
        let (anybody, publisher) = (&self.anybody[at], &self.publisher[at]);
        let began = Instant::now();
        let doing = async {
            match kind {
                Kind::Download => {
                    let known = rng.random_range(0..KNOWN);
                    let answer = anybody.try_get(&format!("/api/v1/packages/known-{known}/1.0.0/download")).await;
                    answer.inspect(|answer| {
                        if answer.status == 200 {
                            assert_eq!(
                                answer.sha256(),
                                answer.header("x-checksum-sha256"),
                                "other bytes than promised"
                            );
                        }
                    })
                }
                Kind::Package => {
                    anybody.try_get(&format!("/api/v1/packages/known-{}", rng.random_range(0..KNOWN))).await
                }
                Kind::Search => anybody.try_get("/api/v1/packages?q=known").await,
                Kind::Account => publisher.try_get("/api/v1/users/me").await,
                Kind::Publish => self.publish(publisher, rng).await,
            }
        };
        let seen = match tokio::time::timeout(HANGS, doing).await {
            Ok(Ok(answer)) => outcome(&answer),
            Ok(Err(error)) => format!("broken off: {}", root(&error)),
            Err(_) => "hung".to_owned(),
        };
        let took = began.elapsed();
        let mut all = self.seen.lock().expect("not poisoned");
        *all.under_way.entry(phase).or_default() -= 1;
        let noted = all.outcomes.entry((phase, kind)).or_default().entry(seen.clone()).or_default();
        noted.times += 1;
        noted.slowest = noted.slowest.max(took);
        seen
    }

    /// Publishes, and checks that an acknowledged version is complete on every server.
    async fn publish(&self, api: &Api, rng: &mut StdRng) -> reqwest::Result<Answer> {
        let size = rng.random_range(0..30_000);
        let mut sent = Sent::sized(rng, self.serial.fetch_add(1, Ordering::AcqRel), size);
        let answer = api.try_publish(sent.in_chunks(), &[]).await;
        sent.acknowledged = answer.as_ref().is_ok_and(|answer| answer.status == 201);
        let path = format!("{}/download", sent.path());
        let other = &self.anybody[rng.random_range(0..self.anybody.len())];
        let (acknowledged, sha256) = (sent.acknowledged, sent.sha256.clone());
        self.published.lock().expect("not poisoned").push(sent);
        if let Ok(archive) = other.try_get(&path).await {
            match archive.status {
                200 => assert_eq!(archive.sha256(), sha256, "a version that is not whole"),
                503 => {}
                404 => assert!(!acknowledged, "an acknowledged version is gone"),
                status => panic!("{status}: {}", String::from_utf8_lossy(&archive.body)),
            }
        }
        answer
    }
}

/// The outcome that an answer stands for.
fn outcome(answer: &Answer) -> String {
    if answer.status < 400 {
        return answer.status.to_string();
    }
    let error: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = error["error"].as_str().unwrap_or("without a code");
    let is_whole = error["message"].is_string() && error["request_id"].is_string();
    let waits = answer.status != 503 || answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0);
    let wanting = if is_whole && waits { "" } else { ", not as documented" };
    format!("{} {code}{wanting}", answer.status)
}

fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// A table of the outcomes.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.shared.seen.lock().expect("not poisoned");
        for phase in &seen.phases {
            for kind in Kind::ALL {
                for (outcome, Outcome { times, slowest }) in seen.outcomes.get(&(phase, kind)).into_iter().flatten() {
                    let kind = format!("{kind:?}");
                    writeln!(f, "{phase:>10} {kind:>9} {times:>6} x {outcome:<34} up to {slowest:>8.2?}")?;
                }
            }
        }
        Ok(())
    }
}
