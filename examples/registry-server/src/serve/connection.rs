use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aam_registry_core::http::{PeerAddr, Readiness, ReadinessState, RegistryService};
use http::{HeaderValue, Request, Version, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time,
};
use tower::ServiceExt;

use super::tls::Acceptor;

/// How long a connection may take to bring its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(30);
/// How long a connection may lie idle, or take over the head of a request;
/// longer than the minute after which balancers give one up themselves.
const IDLE: Duration = Duration::from_secs(75);
/// How long to wait where the process has no file descriptor left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);
const MAX_HTTP2_STREAMS: u32 = 250;

/// Accepts connections and serves them.
#[derive(Debug)]
pub(super) struct Connections {
    service: RegistryService,
    readiness: Readiness,
    tls: Option<Acceptor>,
    http: auto::Builder<TokioExecutor>,
}

impl Connections {
    pub(super) fn new(service: RegistryService, readiness: Readiness, tls: Option<Acceptor>) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_HTTP2_STREAMS)
            .keep_alive_interval(IDLE)
            .adaptive_window(true);
        Self { service, readiness, tls, http }
    }

    /// Accepts until `stop` completes, and then whoever still waits; gives what ends the connections.
    pub(super) async fn accept(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> GracefulShutdown {
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                () = &mut stop => return graceful,
            };
            match accepted {
                Ok((stream, peer)) => {
                    tokio::spawn(Arc::clone(&self).serve(stream, peer, graceful.watcher()));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(event = "accept_failed", %error, "connections cannot be accepted");
                    time::sleep(OUT_OF_DESCRIPTORS).await;
                }
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.speak(stream, peer, watcher).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => self.speak(stream, peer, watcher).await,
                Err(error) => tracing::debug!(event = "tls_handshake_failed", client_ip = %peer.ip(), %error),
            },
        }
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: SocketAddr,
        watcher: Watcher,
    ) {
        let has_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&has_asked);
        let service = self.service.clone();
        let readiness = self.readiness.clone();
        let answer = service_fn(move |mut request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(PeerAddr(peer));
            let speaks_http1 = request.version() <= Version::HTTP_11;
            let answer = service.clone().oneshot(request);
            let readiness = readiness.clone();
            async move {
                let mut response = answer.await?;
                // So that whoever keeps this connection asks again elsewhere before it is closed.
                if speaks_http1 && readiness.get() == ReadinessState::Draining {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), answer).into_owned();
        let mut connection = std::pin::pin!(watcher.watch(connection));
        let mut first_request = std::pin::pin!(time::sleep(FIRST_REQUEST));
        let mut is_first = true;
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended,
                // HTTP/1 and HTTP/2 have time-outs of their own, but only once it is known which of the two it is.
                () = &mut first_request, if is_first => {
                    if !has_asked.load(Ordering::Relaxed) {
                        return;
                    }
                    is_first = false;
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(event = "connection_failed", client_ip = %peer.ip(), %error);
        }
    }
}

/// Whether only the connection that was to be accepted failed.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
