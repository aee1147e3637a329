//! A server in between that reads along, and cuts where it is told to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time,
};

/// Where a connection is cut. It holds for the first that comes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The commit came from the client, and does not reach the server.
    CommitOnItsWay,
    /// The server committed, and its answer does not reach the client.
    CommitAnswer,
    /// The server did what it was asked, and its answer does not reach the client.
    Answer,
    /// So many answers inside a transaction reached the client; the next does not.
    InTransaction(usize),
}

/// Forwards connections to the server of the tests.
#[derive(Debug)]
pub(super) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    listener: JoinHandle<()>,
}

/// The host and port of the server of the tests.
pub(super) fn server() -> String {
    let config: tokio_postgres::Config = super::world::server_url().parse().expect("a URL");
    let Some(tokio_postgres::config::Host::Tcp(host)) = config.get_hosts().first() else { panic!("no host") };
    format!("{host}:{}", config.get_ports().first().copied().unwrap_or(5432))
}

#[derive(Debug)]
struct State {
    server: String,
    cut: Mutex<Option<Cut>>,
    cuts: AtomicUsize,
    /// What the server told unasked.
    notices: Mutex<Vec<String>>,
    /// How many connections had something to ask while no byte went through.
    held: AtomicUsize,
    /// For how many milliseconds the end of an answer is kept back.
    delay: AtomicU64,
    /// How often a client asked something while it waited for no answer.
    round_trips: AtomicUsize,
    /// How many statements clients sent.
    statements: AtomicUsize,
    /// Whether bytes go through at all.
    open: watch::Sender<bool>,
    /// Connections end when this changes.
    generation: watch::Sender<u64>,
}

impl Proxy {
    /// A proxy on a free port.
    pub(super) async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    pub(super) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let state = Arc::new(State {
            server: server(),
            cut: Mutex::default(),
            cuts: AtomicUsize::default(),
            notices: Mutex::default(),
            held: AtomicUsize::default(),
            delay: AtomicU64::default(),
            round_trips: AtomicUsize::default(),
            statements: AtomicUsize::default(),
            open: watch::Sender::new(true),
            generation: watch::Sender::new(0),
        });
        let address = listener.local_addr().expect("an address");
        let accepting = Arc::clone(&state);
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(Arc::clone(&accepting), client));
            }
        });
        Self { address, state, listener }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `url` through the proxy, in the clear, so that it can be read.
    pub(super) fn url(&self, url: &str) -> String {
        let (before, after) = url.split_once('@').expect("a URL with a user");
        let (_, database) = after.split_once('/').expect("a URL with a database");
        format!("{before}@{}/{database}?sslmode=disable", self.address)
    }

    /// Cuts the next connection that comes there.
    pub(super) fn cut(&self, cut: Cut) {
        *self.state.cut.lock().expect("lock") = Some(cut);
    }

    /// How many connections were cut so.
    pub(super) fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }

    /// The notices of the server so far.
    pub(super) fn notices(&self) -> Vec<String> {
        self.state.notices.lock().expect("lock").clone()
    }

    /// Keeps back the end of every answer for so long, so that what a client sends at once arrives before it.
    pub(super) fn delay_answers(&self, delay: Duration) {
        self.state.delay.store(delay.as_millis().try_into().expect("a short time"), Ordering::SeqCst);
    }

    /// How often a client asked something while it waited for no answer, and how many statements clients sent.
    pub(super) fn round_trips_and_statements(&self) -> (usize, usize) {
        (self.state.round_trips.load(Ordering::SeqCst), self.state.statements.load(Ordering::SeqCst))
    }

    /// Lets no byte through any more; nobody is told.
    pub(super) fn fall_silent(&self) {
        self.state.open.send_replace(false);
    }

    /// On how many connections something was asked in silence.
    pub(super) fn held(&self) -> usize {
        self.state.held.load(Ordering::SeqCst)
    }

    /// Lets bytes through again, on new connections.
    pub(super) fn speak_again(&self) {
        self.end_connections();
        self.state.open.send_replace(true);
    }

    /// Ends all connections.
    pub(super) fn end_connections(&self) {
        self.state.generation.send_modify(|generation| *generation += 1);
    }

    /// Ends all connections and accepts no more.
    pub(super) async fn stop(mut self) {
        self.listener.abort();
        let _ = (&mut self.listener).await;
        self.end_connections();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn forward(state: Arc<State>, client: TcpStream) {
    let mut generation = state.generation.subscribe();
    let Ok(server) = TcpStream::connect(&state.server).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a socket");
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let unanswered = AtomicUsize::default();
    tokio::select! {
        () = requests(&state, &unanswered, from_client, to_server) => {}
        () = answers(&state, &unanswered, from_server, to_client) => {}
        _ = generation.changed() => {}
    }
}

async fn requests(state: &State, unanswered: &AtomicUsize, mut client: OwnedReadHalf, mut server: OwnedWriteHalf) {
    let mut first = true;
    while let Some(message) = message(&mut client, first).await {
        let commits = message.starts_with(b"Q") && message.ends_with(b"COMMIT\0");
        if commits && state.cuts_at(|cut| cut == Cut::CommitOnItsWay) {
            return;
        }
        // A prepared statement ends with `Sync`; a simple query is one message.
        if !first && (message.starts_with(b"S") || message.starts_with(b"Q")) {
            state.statements.fetch_add(1, Ordering::SeqCst);
            let waits_for_none = unanswered.fetch_add(1, Ordering::SeqCst) == 0;
            state.round_trips.fetch_add(usize::from(waits_for_none), Ordering::SeqCst);
        }
        if !*state.open.borrow() {
            state.held.fetch_add(1, Ordering::SeqCst);
        }
        state.wait_until_open().await;
        if server.write_all(&message).await.is_err() {
            return;
        }
        first = false;
    }
}

async fn answers(state: &State, unanswered: &AtomicUsize, mut server: OwnedReadHalf, mut client: OwnedWriteHalf) {
    let mut in_transaction = 0;
    while let Some(message) = message(&mut server, false).await {
        if message.starts_with(b"C") && message.ends_with(b"COMMIT\0") && state.cuts_at(|cut| cut == Cut::CommitAnswer)
        {
            return;
        }
        if message.starts_with(b"C") && state.cuts_at(|cut| cut == Cut::Answer) {
            return;
        }
        if message.starts_with(b"N") {
            state.notices.lock().expect("lock").extend(notice(&message));
        }
        in_transaction += usize::from(message == b"Z\0\0\0\x05T");
        if state.cuts_at(|cut| matches!(cut, Cut::InTransaction(answers) if in_transaction > answers)) {
            return;
        }
        // `ReadyForQuery` ends an answer. The first one answers no statement.
        if message.starts_with(b"Z") {
            time::sleep(Duration::from_millis(state.delay.load(Ordering::SeqCst))).await;
            let _ = unanswered.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1));
        }
        state.wait_until_open().await;
        if client.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// The text of a notice.
fn notice(message: &[u8]) -> Option<String> {
    let mut fields = message.get(5..)?.split(|byte| *byte == 0);
    let text = fields.find_map(|field| field.strip_prefix(b"M"))?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// The next message; the first of a client has no type.
async fn message(from: &mut OwnedReadHalf, first: bool) -> Option<Vec<u8>> {
    let head = if first { 4 } else { 5 };
    let mut message = vec![0; head];
    from.read_exact(&mut message).await.ok()?;
    let length = u32::from_be_bytes(message[head - 4..].try_into().expect("four bytes"));
    message.resize(head - 4 + usize::try_from(length).expect("a length"), 0);
    from.read_exact(&mut message[head..]).await.ok()?;
    Some(message)
}

impl State {
    fn cuts_at(&self, here: impl Fn(Cut) -> bool) -> bool {
        let mut cut = self.cut.lock().expect("lock");
        let cuts = cut.is_some_and(here);
        if cuts {
            *cut = None;
            self.cuts.fetch_add(1, Ordering::SeqCst);
        }
        cuts
    }

    async fn wait_until_open(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}
