use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use aam_registry_core::{
    Result,
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};
use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{self, MissedTickBehavior},
};
use tokio_postgres::{AsyncMessage, Client};

use super::{
    connection::Connector,
    failure::{Fault, FaultKind},
    identity::{self, SeenServers, ServerIdentity},
};

/// What transactions tell of their changes on.
pub(super) const CHANNEL: &str = "aam_changes";

/// How many events a subscriber may lag behind before it is told that it lost some.
const BACKLOG: usize = 4096;

/// How often the link is probed, and how long the answer may take: a link
/// that was cut silently is noticed within the two together.
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a link lives at most: the server behind a name changes, and one
/// that was replaced and left running hears of no change. Replicas do not all
/// go at once.
const MAX_LIFETIME: Duration = Duration::from_mins(30);

/// The pauses between attempts to restore the link.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a payload begins with.
const PACKAGE: &str = "package:";
const SCOPE: &str = "scope:";

/// How a change is told; `None` where no transaction makes such a change.
pub(super) fn payload(change: &Change) -> Option<String> {
    match change {
        Change::Package(name) => Some(format!("{PACKAGE}{name}")),
        Change::Scope(name) => Some(format!("{SCOPE}{name}")),
        Change::Everything => None,
    }
}

/// The change that a payload tells of. What a newer release tells may concern anything.
fn change(payload: &str) -> Change {
    let package = payload.strip_prefix(PACKAGE).and_then(|name| name.parse().ok().map(Change::Package));
    let scope = || payload.strip_prefix(SCOPE).and_then(|name| name.parse().ok().map(Change::Scope));
    package.or_else(scope).unwrap_or(Change::Everything)
}

/// Tells of every change to packages and memberships that is committed to a
/// PostgreSQL database, by whomever, this process included. Tells of a change
/// of everything where the database was restored, started anew or replaced by
/// another, as soon as a connection shows it and within two seconds.
///
/// All subscribers share one connection, made for the first of them and closed
/// when the database, the feed and all its streams are gone. Needs a direct connection or a
/// session pooler: through a transaction pooler nothing is heard.
#[derive(Clone, Debug)]
pub struct PostgresChanges {
    link: Arc<Link>,
}

impl PostgresChanges {
    pub(super) fn new(connector: Connector) -> Self {
        let (events, _) = broadcast::channel(BACKLOG);
        let state = State { linked: false, listener: Some(connector) };
        Self { link: Arc::new(Link { events, state: Mutex::new(state), servers: SeenServers::default() }) }
    }
}

/// The link to the server that all subscribers share.
#[derive(Debug)]
struct Link {
    events: broadcast::Sender<ChangeEvent>,
    state: Mutex<State>,
    servers: SeenServers,
}

#[derive(Debug)]
struct State {
    linked: bool,
    /// How to connect, until somebody listens.
    listener: Option<Connector>,
}

impl PostgresChanges {
    /// Notes which server takes changes. One that took another's place, was
    /// started anew or was restored may have lost commits: anything may be as
    /// it was before.
    pub(super) fn note_server(&self, server: &ServerIdentity) {
        self.link.note_server(server);
    }
}

impl Link {
    fn note_server(&self, server: &ServerIdentity) {
        if self.servers.is_successor(server) {
            tracing::info!(
                event = "database_replaced",
                "the database was restored, started anew or replaced, or its tables rewritten: nothing read before is kept"
            );
            let _ = self.events.send(ChangeEvent::Changed(Change::Everything));
        }
    }

    /// Tells all subscribers whether the link stands; whether it stood before.
    fn set(&self, linked: bool) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_linked = std::mem::replace(&mut state.linked, linked);
        if was_linked != linked {
            let _ = self.events.send(standing(linked));
        }
        was_linked
    }
}

fn standing(linked: bool) -> ChangeEvent {
    if linked { ChangeEvent::Linked } else { ChangeEvent::Lost }
}

#[async_trait]
impl ChangeFeed for PostgresChanges {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn subscribe(&self) -> BoxStream<'static, ChangeEvent> {
        // What is told after this moment is received, what was told before is in the state.
        let mut state = self.link.state.lock().unwrap_or_else(PoisonError::into_inner);
        let events = self.link.events.subscribe();
        let first = standing(state.linked);
        if let Some(connector) = state.listener.take() {
            tokio::spawn(listen(connector, Arc::downgrade(&self.link)));
        }
        drop(state);
        let subscriber = Subscriber { link: Arc::clone(&self.link), events, due: VecDeque::from([first]) };
        futures_util::stream::unfold(subscriber, Subscriber::next).boxed()
    }

    async fn announce(&self, _: &Change) -> Result<()> {
        Ok(())
    }
}

struct Subscriber {
    /// Keeps the listener going.
    link: Arc<Link>,
    events: broadcast::Receiver<ChangeEvent>,
    due: VecDeque<ChangeEvent>,
}

impl Subscriber {
    async fn next(mut self) -> Option<(ChangeEvent, Self)> {
        if let Some(event) = self.due.pop_front() {
            return Some((event, self));
        }
        match self.events.recv().await {
            Ok(event) => Some((event, self)),
            Err(RecvError::Lagged(_)) => {
                let state = self.link.state.lock().unwrap_or_else(PoisonError::into_inner);
                // From here on nothing is missed again; what is still to come is told twice at worst.
                self.events = self.link.events.subscribe();
                // Among what was missed may be that the database was replaced, which no new link tells.
                self.due.push_back(ChangeEvent::Changed(Change::Everything));
                if state.linked {
                    self.due.push_back(ChangeEvent::Linked);
                }
                drop(state);
                Some((ChangeEvent::Lost, self))
            }
            // The sender is part of the link that this holds.
            Err(RecvError::Closed) => None,
        }
    }
}

/// Why listening on a connection ended without a fault.
enum End {
    /// Nobody wants to hear any more.
    Unwanted,
    /// The connection is old.
    Aged,
}

/// Keeps the link up for as long as somebody holds it.
async fn listen(connector: Connector, link: Weak<Link>) {
    let (mut pause, mut told) = (FIRST_PAUSE, false);
    loop {
        let ended = linked(&connector, &link, &mut pause).await;
        let Some(link) = link.upgrade() else { return };
        let fault = match ended {
            Ok(End::Unwanted) => return,
            Ok(End::Aged) => {
                // What is told between two connections goes unheard.
                link.set(false);
                continue;
            }
            Err(fault) => fault,
        };
        let was_linked = link.set(false);
        told &= !was_linked;
        // Where no connection can be made every call of the database fails, and that is told once already.
        let is_news = !told && (was_linked || fault.kind != FaultKind::Busy);
        if is_news {
            told = true;
            tracing::warn!(event = "database_listener_lost", error = %fault, "changes go unheard until the link is restored");
        } else {
            tracing::debug!(event = "database_listener_lost", error = %fault, "changes still go unheard");
        }
        drop(link);
        time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What a statement gives whose answer never takes long.
async fn ask<T>(
    asked: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
) -> std::result::Result<T, Fault> {
    match time::timeout(PROBE_TIMEOUT, asked).await {
        Ok(answer) => answer.map_err(Fault::from),
        Err(_) => Err(Fault::silent(PROBE_TIMEOUT)),
    }
}

/// Notes which server is at the other end.
async fn identify(client: &Client, link: &Link) -> std::result::Result<(), Fault> {
    let rows = ask(client.query_typed(identity::SERVER, &[])).await?;
    // A row that cannot be read tells of no server.
    if let Some(server) = rows.first().and_then(|row| ServerIdentity::of(row).ok()) {
        link.note_server(&server);
    }
    Ok(())
}

/// Listens on one connection until it is lost or old, or until nobody wants to hear.
async fn linked(connector: &Connector, link: &Weak<Link>, pause: &mut Duration) -> std::result::Result<End, Fault> {
    let (client, mut messages) = connector.listener().await?;
    ask(client.batch_execute(&format!("LISTEN {CHANNEL}"))).await?;
    let mut aged = pin!(time::sleep(MAX_LIFETIME.mul_f64(rand::random_range(0.8..1.0))));
    let mut probes = time::interval(PROBE_EVERY);
    probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    match link.upgrade() {
        Some(link) => {
            // Before the link stands, or what is kept would be believed for a moment.
            identify(&client, &link).await?;
            link.set(true);
        }
        None => return Ok(End::Unwanted),
    }
    *pause = FIRST_PAUSE;
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some(Ok(AsyncMessage::Notification(told))) if told.channel() == CHANNEL => {
                    let Some(link) = link.upgrade() else { return Ok(End::Unwanted) };
                    let _ = link.events.send(ChangeEvent::Changed(change(told.payload())));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(Fault::new(FaultKind::Lost, "the server closed the connection")),
            },
            _ = probes.tick() => {
                let Some(link) = link.upgrade() else { return Ok(End::Unwanted) };
                identify(&client, &link).await?;
            }
            () = &mut aged => return Ok(End::Aged),
        }
    }
}
