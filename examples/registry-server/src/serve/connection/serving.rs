use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use aam_registry_core::http::{Readiness, RegistryService};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::Counter;
use tokio::{io::AsyncWriteExt, net::TcpStream, time};

use super::{
    base_path::BasePath,
    client::Client,
    clock::{LEAVE, Patience},
    line::{Line, Outcome},
    notices::{Notice, Notices},
    pace::Streams,
    refusal::MAX_HEAD,
    service::service_of,
    stream::{Protocol, Stream, Transport},
};
use crate::serve::{
    metrics_access::MetricsAccess,
    seats::{Seat, Seats},
    tls::Acceptor,
};

/// The size of the read and write buffers in bytes, and so the memory that a slow client costs.
const BUFFER: usize = 64 * 1024;
/// Twice what the server accepts, so that a client with too large a head gets an error message.
const HTTP2_HEAD: u32 = 64 * 1024;
/// How many bytes a client may send ahead, per stream and per connection.
const HTTP2_STREAM_WINDOW: u32 = 1024 * 1024;
const HTTP2_WINDOW: u32 = 2 * 1024 * 1024;
/// How many requests a client may reset before they are processed, and how many protocol errors it may
/// make.
const HTTP2_RESETS: usize = 20;
const HTTP2_FAULTS: usize = 256;
/// How often a client is pinged, and how long it has to answer.
const HTTP2_PING: Duration = Duration::from_secs(30);
const HTTP2_PONG: Duration = Duration::from_secs(20);

/// What all connections share.
pub(in crate::serve) struct Serving {
    pub(super) service: RegistryService,
    pub(super) readiness: Readiness,
    pub(super) patience: Patience,
    pub(super) notices: Notices,
    pub(super) metrics: MetricsAccess,
    pub(super) base_path: BasePath,
    seats: Arc<Seats>,
    tls: Option<Acceptor>,
    http1: http1::Builder,
    http2: http2::Builder<Streams>,
    refused: Counter,
    out_of_memory: Counter,
}

/// The limits of an HTTP/2 connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Http2Bounds {
    /// The most concurrent requests.
    pub(in crate::serve) streams: u32,
    /// The most bytes of one answer that wait to be sent.
    pub(in crate::serve) send_buffer: usize,
}

impl Serving {
    pub(in crate::serve) fn new(
        service: RegistryService,
        readiness: Readiness,
        tls: Option<Acceptor>,
        seats: Arc<Seats>,
        patience: Patience,
        bounds: Http2Bounds,
    ) -> Self {
        let mut http1 = http1::Builder::new();
        // The clock of each connection enforces the time-outs instead.
        http1.header_read_timeout(None).max_header_size(MAX_HEAD).max_buf_size(BUFFER);
        let mut http2 =
            http2::Builder::new(Streams::new(patience.write(), seats.answers().clone(), timed_out("write")));
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(bounds.streams)
            .initial_stream_window_size(HTTP2_STREAM_WINDOW)
            .initial_connection_window_size(HTTP2_WINDOW)
            .max_send_buf_size(bounds.send_buffer)
            .max_header_list_size(HTTP2_HEAD)
            .max_pending_accept_reset_streams(HTTP2_RESETS)
            .max_local_error_reset_streams(HTTP2_FAULTS)
            .keep_alive_interval(HTTP2_PING)
            .keep_alive_timeout(HTTP2_PONG);
        Self {
            service,
            readiness,
            patience,
            notices: Notices::new(),
            metrics: MetricsAccess::new(None),
            base_path: BasePath::default(),
            seats,
            tls,
            http1,
            http2,
            refused: metrics::counter!("aam_connections_refused_total", "reason" => "limit"),
            out_of_memory: metrics::counter!("aam_requests_refused_total", "reason" => "answer_memory"),
        }
    }

    /// The same, where not everybody may read `/metrics`.
    pub(in crate::serve) fn with_metrics_access(self, metrics: MetricsAccess) -> Self {
        Self { metrics, ..self }
    }

    /// The same, where requests may come with the path of the public address.
    pub(in crate::serve) fn with_base_path(self, base_path: BasePath) -> Self {
        Self { base_path, ..self }
    }

    /// The future that serves an accepted connection.
    pub(in crate::serve) fn connection(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        seat: Seat,
    ) -> impl Future<Output = ()> + Send + use<> {
        let client = Arc::new(Client::new(peer, seat));
        // Created now, so that the connection misses no notice before it first runs.
        let line = Line::new(Arc::clone(self), Arc::clone(&client));
        Arc::clone(self).greet(stream, client, line)
    }

    /// Asks `places` idle connections to close.
    pub(in crate::serve) fn make_room(&self, places: usize) {
        self.seats.want(places);
        self.notices.tell(Notice::MakeRoom);
    }

    /// Tells all connections to close after the requests in progress, and waits for that.
    pub(in crate::serve) async fn end(&self) {
        self.notices.tell(Notice::End);
        self.notices.nobody_listens().await;
    }

    /// Whether an idle connection has to close to make room.
    pub(super) fn wants_room(&self) -> bool {
        self.seats.wants_one()
    }

    /// Whether the server serves HTTPS itself.
    pub(super) fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Counts a request that was refused for lack of a seat.
    pub(super) fn note_refused(&self) {
        self.refused.increment(1);
    }

    /// Whether the memory for answers is used up; if so, counts a refused request.
    pub(super) fn is_out_of_memory(&self) -> bool {
        let is_full = self.seats.answers().is_full();
        if is_full {
            self.out_of_memory.increment(1);
        }
        is_full
    }

    async fn greet(self: Arc<Self>, stream: TcpStream, client: Arc<Client>, line: Line) {
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return self.talk(Stream::new(stream, client), line).await;
        };
        // Boxed, so that a plain connection does not reserve memory for the TLS handshake.
        match Box::pin(tls.accept(stream, self.patience.header(&client))).await {
            Ok(stream) => self.talk(Stream::new(Box::new(stream), client), line).await,
            Err(error) => {
                if error.kind() == io::ErrorKind::TimedOut {
                    timed_out("handshake").increment(1);
                }
                tracing::debug!(event = "tls_handshake_failed", client_ip = %client.ip(), %error);
            }
        }
    }

    /// Serves a client until the client or the server ends the connection.
    async fn talk<T: Transport>(self: &Arc<Self>, mut stream: Stream<T>, mut line: Line) {
        while let Outcome::Done(Some(protocol)) = line.wait(|cx| stream.poll_first(cx)).await {
            // Boxed, so that an idle connection does not hold the memory for serving.
            match protocol {
                Protocol::Http2 => return Box::pin(self.talk_http2(stream, &mut line)).await,
                Protocol::Http1 => match Box::pin(self.talk_http1(stream, &mut line)).await {
                    Some(resting) => stream = resting,
                    None => return,
                },
            }
        }
        // TLS announces the end of a connection.
        let _ = Box::pin(time::timeout(LEAVE, stream.shutdown())).await;
    }

    /// Returns the stream if the connection becomes idle.
    async fn talk_http1<T: Transport>(self: &Arc<Self>, stream: Stream<T>, line: &mut Line) -> Option<Stream<T>> {
        let service = service_of(Arc::clone(self), Arc::clone(line.client()));
        let mut connection = self.http1.serve_connection(TokioIo::new(stream), service);
        match line.serve(Pin::new(&mut connection), true).await {
            Outcome::Done(ended) => log(line, ended),
            Outcome::Rest => {
                let parts = connection.into_parts();
                let mut stream = parts.io.into_inner();
                stream.unread(&parts.read_buf);
                return Some(stream);
            }
            Outcome::Drop => {}
        }
        None
    }

    async fn talk_http2<T: Transport>(self: &Arc<Self>, stream: Stream<T>, line: &mut Line) {
        line.client().set_http2();
        let service = service_of(Arc::clone(self), Arc::clone(line.client()));
        let mut connection = pin!(self.http2.serve_connection(TokioIo::new(stream), service));
        if let Outcome::Done(ended) = line.serve(connection.as_mut(), false).await {
            log(line, ended);
        }
    }
}

fn log(line: &Line, ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(event = "connection_failed", client_ip = %line.client().ip(), %error);
    }
}

/// Counts connections that were closed because of a time-out.
pub(super) fn timed_out(what: &'static str) -> Counter {
    metrics::counter!("aam_connections_timed_out_total", "what" => what)
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("seats", &self.seats).field("patience", &self.patience).finish_non_exhaustive()
    }
}
