//! The serving process: listeners, connections, TLS and shutdown.

mod accept;
mod answers;
mod background;
mod clock_check;
mod connection;
mod descriptors;
mod greeting;
#[cfg(test)]
mod in_memory;
mod listener;
mod metrics_access;
mod networks;
mod schema;
mod seats;
mod signals;
mod socket_file;
mod socket_listener;
mod sole_server;
mod storage;
pub(crate) mod tls;
mod validity;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use aam_registry_core::http::{Readiness, ReadinessState, RegistryService};
use futures_util::future;
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time};

use crate::{
    assemble::{self, AssembleError},
    config::Settings,
    disks, metrics,
};
use accept::Accepting;
use answers::AnswerMemory;
use background::Background;
use connection::{BasePath, Http2Bounds, Patience, Serving};
use descriptors::Capacity;
pub(crate) use greeting::Invocation;
use metrics_access::MetricsAccess;
use networks::Networks;
use seats::Seats;
use sole_server::SoleServer;

/// How long connections are still accepted after the signal to stop.
const STILL_ACCEPTING: Duration = Duration::from_secs(5);
/// How long the last accepted connections have to send their request.
const LAST_REQUESTS: Duration = Duration::from_millis(500);
/// How long running requests have to finish.
const FINISHING: Duration = Duration::from_secs(30);

/// How long the last background work, such as storing download counts, may take.
const LAST_WORK: Duration = Duration::from_secs(7);

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// It cannot listen on an address.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// The reason, and what to do.
        reason: String,
    },
    /// Another server has the database file open.
    #[error(
        "another server runs on the database {database}: stop it, or give this one a folder of its own with \
         --data-dir; several servers share a registry on PostgreSQL"
    )]
    AnotherServer {
        /// The database file.
        database: PathBuf,
    },
    /// The certificate or its key cannot be used.
    #[error("HTTPS cannot be served: {0}")]
    Tls(#[from] tls::TlsError),
    /// The registry cannot be built.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The metrics recorder cannot be installed.
    #[error("metrics cannot be recorded: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The background work ended by itself.
    #[error("the background work ended before the server did; the server stopped so that it is started again")]
    Background,
    /// The signal handlers cannot be installed.
    #[error("signals cannot be received: {0}")]
    Signals(#[source] io::Error),
    /// It did not let running requests finish.
    #[error("told to stop a second time: requests in progress were cut off")]
    StoppedAtOnce,
}

/// Serves until SIGTERM or SIGINT, then lets running requests finish.
///
/// # Errors
/// If it cannot start, or is told to stop a second time.
pub(crate) async fn serve(settings: Settings, invocation: Invocation) -> Result<(), ServeError> {
    clock_check::tell_if_wrong();
    let mut signals = signals::Signals::listen().map_err(ServeError::Signals)?;
    // Bind first: a second server that was started by mistake must not touch the data of the first.
    let listener::Listeners { sockets, port, address, file: _file } = listener::bind(&settings).await?;
    let metrics_listener = match settings.metrics_address {
        Some(address) => Some(metrics_listener(address.0).await?),
        None => None,
    };
    let recorded = metrics::install()?;
    let tls = match (&settings.tls_cert, &settings.tls_key) {
        (Some(certificate), Some(key)) => Some(tls::Acceptor::load(certificate, key)?),
        _ => None,
    };
    let _sole = SoleServer::of(&settings)?;
    let (registry, freshness) = assemble::served(&settings).await?;

    let base_url = settings.base_url.with_port_if_zero(port);
    let readiness = Readiness::new(ReadinessState::Starting);
    let rendered = recorded.clone();
    let on_main_address = metrics_listener.is_none().then_some(move || rendered.render());
    let service =
        assemble::service(&settings, (registry.clone(), freshness), &base_url, readiness.clone(), on_main_address)?;

    let (stop, stopped) = watch::channel(false);
    let capacity = Capacity::of(settings.max_connections.0);
    let answers = AnswerMemory::new(settings.answer_memory.bytes(), settings.answer_memory_per_connection.bytes());
    let seats = Arc::new(Seats::new(capacity.regular, capacity.spare).with_answers(answers));
    let serving = Arc::new(serving_of(&settings, service, &readiness, tls.clone(), Arc::clone(&seats)));
    let networks = Networks::new(settings.max_connections_per_address.0, settings.trusted_proxies.0.clone());
    let accepting = Accepting::new(Arc::clone(&serving), seats, networks, settings.backlog.0, tls.is_some());
    let accepting = Arc::new(accepting);
    let accept = |listener| Arc::clone(&accepting).accept_apart(listener, until(stopped.clone()));
    let accepting: JoinSet<()> = sockets
        .into_iter()
        .map(accept)
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| ServeError::Listen { address: address.clone(), reason: error.to_string() })?
        .into_iter()
        .collect();
    let (finish, finished) = watch::channel(false);
    let (usable, is_usable) = watch::channel(false);
    let mut background = Background::begin(registry.clone(), until(is_usable), until(finished.clone()));
    if let Some(listener) = metrics_listener {
        let access = metrics_access_of(&settings);
        tokio::spawn(metrics_access::serve(listener, access, recorded.clone(), until(finished.clone())));
    }
    let metering =
        tokio::spawn(metrics::keep_up(registry.clone(), recorded, disks::of(&settings), until(finished.clone())));
    if let Some(tls) = tls {
        tokio::spawn(tls.reload_when_changed(until(finished)));
    }

    let started = async {
        schema::wait(&settings, &readiness).await?;
        assemble::first_admin(&settings, &registry).await?;
        readiness.set(ReadinessState::Ready);
        greeting::greet(&settings, &invocation, &address, &base_url, &registry).await;
        storage::tell_if_unusable(&settings, &registry).await;
        usable.send_replace(true);
        Ok::<_, ServeError>(())
    };
    let told = async {
        tokio::select! {
            started = started => match started {
                Ok(()) => Ok(signals.next().await),
                Err(error) => Err(error),
            },
            told = signals.next() => Ok(told),
        }
    };
    let outcome = tokio::select! {
        outcome = told => outcome,
        error = background.ended_early() => Err(error),
    };
    let told = match &outcome {
        Ok(told) => Some(*told),
        Err(ServeError::Background) => Some(signals::Told::Terminate),
        Err(_) => None,
    };
    if let Some(told) = told {
        readiness.set(ReadinessState::Draining);
        tracing::info!(event = "draining", "stopping; running requests may finish");
        tokio::select! {
            () = drain(told, &stop, accepting, &serving) => {}
            () = signals.again() => {
                tracing::warn!(event = "stopped_at_once", "told to stop a second time; not waiting any longer");
                return Err(ServeError::StoppedAtOnce);
            }
        }
    }
    finish.send_replace(true);
    if time::timeout(LAST_WORK, future::join(background.end(), metering)).await.is_err() {
        tracing::warn!(event = "background_cut_off", "background jobs did not finish in time and were cut off");
    }
    if outcome.is_ok() {
        tracing::info!(event = "stopped", "ended");
    }
    outcome.map(drop)
}

/// Stops accepting connections, and lets running requests finish.
async fn drain(told: signals::Told, stop: &watch::Sender<bool>, accepting: JoinSet<()>, serving: &Serving) {
    // A server that a person runs at a terminal has no load balancer in front, so it need not keep accepting.
    if told == signals::Told::Terminate {
        time::sleep(STILL_ACCEPTING).await;
    }
    stop.send_replace(true);
    accepting.join_all().await;
    time::sleep(LAST_REQUESTS).await;
    if time::timeout(FINISHING, serving.end()).await.is_err() {
        tracing::warn!(event = "requests_cut_off", "requests did not finish in time and were cut off");
    }
}

/// What serves the connections.
fn serving_of(
    settings: &Settings,
    service: RegistryService,
    readiness: &Readiness,
    tls: Option<tls::Acceptor>,
    seats: Arc<Seats>,
) -> Serving {
    let bounds = Http2Bounds { streams: settings.http2_max_streams.0, send_buffer: settings.http2_send_buffer.bytes() };
    Serving::new(service, readiness.clone(), tls, seats, Patience::of(settings), bounds)
        .with_metrics_access(metrics_access_of(settings))
        .with_base_path(BasePath::of(settings.base_url.as_str()))
}

fn metrics_access_of(settings: &Settings) -> MetricsAccess {
    MetricsAccess::new(settings.metrics_token.as_ref().map(|token| &token.0))
}

/// Listens on the address for metrics alone.
async fn metrics_listener(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let failed = |error: io::Error| ServeError::Listen {
        address: address.to_string(),
        reason: match error.kind() {
            io::ErrorKind::AddrInUse => {
                "the port is in use; stop what listens there, or let METRICS_ADDRESS name another \
                                         one"
                .to_owned()
            }
            _ => format!("{error}; METRICS_ADDRESS takes another one"),
        },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(event = "metrics_served", %address, "metrics are served on an address of their own");
    Ok(listener)
}

/// Completes when the switch is on.
async fn until(mut switch: watch::Receiver<bool>) {
    let _ = switch.wait_for(|is_on| *is_on).await;
}
