use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Weather {
    Fair,
    /// Every chunk is delayed by this time, in each direction.
    Slow(Duration),
    /// Nothing arrives any more, and no connection is closed. A connection that was open then stays
    /// dead.
    Silent,
    /// Connections are reset, new ones immediately.
    Broken,
}

/// A proxy to a server, with faults of its own.
pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    weather: watch::Sender<Weather>,
    server: watch::Sender<u16>,
    heard: AtomicUsize,
}

impl Proxy {
    /// A proxy to the server at `port` of this machine, without faults.
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind");
        let own = listener.local_addr().expect("an address").port();
        let heard = AtomicUsize::new(0);
        let state = State { weather: watch::Sender::new(Weather::Fair), server: watch::Sender::new(port), heard };
        let state = Arc::new(state);
        let accepting = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("accept");
                tokio::spawn(serve(client, Arc::clone(&accepting)));
            }
        });
        Self { port: own, state }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn turn(&self, weather: Weather) {
        self.state.weather.send_replace(weather);
    }

    /// Connects to another server from now on, and resets the connections to the old one.
    pub(super) fn lead_to(&self, port: u16) {
        self.state.server.send_replace(port);
    }

    /// How many chunks clients have sent so far.
    pub(super) fn heard(&self) -> usize {
        self.state.heard.load(Ordering::SeqCst)
    }
}

async fn serve(mut client: TcpStream, state: Arc<State>) {
    let (mut weather, mut server) = (state.weather.subscribe(), state.server.subscribe());
    let now = *weather.borrow_and_update();
    let port = *server.borrow_and_update();
    if now == Weather::Broken {
        return reset(&client);
    }
    if now != Weather::Silent {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let Ok(mut upstream) = TcpStream::connect(address).await else { return reset(&client) };
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = upstream.split();
        let turns = async {
            let mut weather = weather.clone();
            let turned = weather.wait_for(|weather| matches!(weather, Weather::Silent | Weather::Broken)).await;
            *turned.expect("the proxy lives")
        };
        let turned = tokio::select! {
            () = pump(&mut from_client, &mut to_server, &state, true) => Weather::Broken,
            () = pump(&mut from_server, &mut to_client, &state, false) => Weather::Broken,
            _ = server.changed() => Weather::Broken,
            turned = turns => turned,
        };
        if turned == Weather::Broken {
            return reset(&client);
        }
    }
    // It accepts data and answers nothing, not even that the connection is broken.
    let swallowing = async {
        let _ = copy(&mut client, &mut sink()).await;
    };
    tokio::select! {
        () = swallowing => {}
        _ = weather.wait_for(|weather| *weather == Weather::Broken) => {}
    }
    reset(&client);
}

async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    state: &State,
    from_client: bool,
) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let Ok(len @ 1..) = from.read(&mut chunk).await else { return };
        if from_client {
            state.heard.fetch_add(1, Ordering::SeqCst);
        }
        let weather = *state.weather.borrow();
        if let Weather::Slow(delay) = weather {
            sleep(delay).await;
        }
        if to.write_all(&chunk[..len]).await.is_err() {
            return;
        }
    }
}

fn reset(client: &TcpStream) {
    // Dropping it without lingering resets the connection instead of closing it.
    let _ = client.set_zero_linger();
}
