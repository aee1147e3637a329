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
    seats::{Seat, Seats},
    tls::Acceptor,
};

/// What is read or written at once, and so what a client that is slow costs, in bytes.
const BUFFER: usize = 64 * 1024;
/// Twice what may be asked for, so that who asks for too much is told in words.
const HTTP2_HEAD: u32 = 64 * 1024;
/// What a client may send before it is read, of one request and of all of a connection, in bytes.
const HTTP2_STREAM_WINDOW: u32 = 1024 * 1024;
const HTTP2_WINDOW: u32 = 2 * 1024 * 1024;
/// How many requests a client may take back before they are looked at, and how many faults it may make.
const HTTP2_RESETS: usize = 20;
const HTTP2_FAULTS: usize = 256;
/// How often a client is asked whether it is still there, and how long it has to say so.
const HTTP2_PING: Duration = Duration::from_secs(30);
const HTTP2_PONG: Duration = Duration::from_secs(20);

/// What all connections are served with.
pub(in crate::serve) struct Serving {
    pub(super) service: RegistryService,
    pub(super) readiness: Readiness,
    pub(super) patience: Patience,
    pub(super) notices: Notices,
    seats: Arc<Seats>,
    tls: Option<Acceptor>,
    http1: http1::Builder,
    http2: http2::Builder<Streams>,
    refused: Counter,
    out_of_memory: Counter,
}

/// What a client of HTTP/2 may have the server hold.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Http2Bounds {
    /// How many requests may be under way on one connection.
    pub(in crate::serve) streams: u32,
    /// How much of an answer waits to be sent on one of them, in bytes.
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
        // The clock of each connection minds the time.
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
            seats,
            tls,
            http1,
            http2,
            refused: metrics::counter!("aam_connections_refused_total", "reason" => "limit"),
            out_of_memory: metrics::counter!("aam_requests_refused_total", "reason" => "answer_memory"),
        }
    }

    /// Serves a connection that was accepted, when what this gives is run.
    pub(in crate::serve) fn connection(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        seat: Seat,
    ) -> impl Future<Output = ()> + Send + use<> {
        let client = Arc::new(Client::new(peer, seat));
        // Made here and now, so that no notice is missed before the connection has its first turn.
        let line = Line::new(Arc::clone(self), Arc::clone(&client));
        Arc::clone(self).greet(stream, client, line)
    }

    /// Tells so many idle connections to make room.
    pub(in crate::serve) fn make_room(&self, places: usize) {
        self.seats.want(places);
        self.notices.tell(Notice::MakeRoom);
    }

    /// Tells all connections to end behind what is under way, and waits for that.
    pub(in crate::serve) async fn end(&self) {
        self.notices.tell(Notice::End);
        self.notices.nobody_listens().await;
    }

    /// Whether a connection that lies idle shall make room.
    pub(super) fn wants_room(&self) -> bool {
        self.seats.wants_one()
    }

    /// Whether it serves HTTPS itself.
    pub(super) fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Counts a request for which there was no place.
    pub(super) fn note_refused(&self) {
        self.refused.increment(1);
    }

    /// Whether there is no memory for another answer; counts the request where that is so.
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
        // What only HTTPS needs is no part of what every connection holds.
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

    /// Serves a client until it or the server ends the connection.
    async fn talk<T: Transport>(self: &Arc<Self>, mut stream: Stream<T>, mut line: Line) {
        while let Outcome::Done(Some(protocol)) = line.wait(|cx| stream.poll_first(cx)).await {
            // Boxed, so that a connection that waits does not hold what one that serves needs.
            match protocol {
                Protocol::Http2 => return Box::pin(self.talk_http2(stream, &mut line)).await,
                Protocol::Http1 => match Box::pin(self.talk_http1(stream, &mut line)).await {
                    Some(resting) => stream = resting,
                    None => return,
                },
            }
        }
        // TLS says so where a connection ends.
        let _ = Box::pin(time::timeout(LEAVE, stream.shutdown())).await;
    }

    /// Gives the stream back where the connection lies idle.
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

/// How many connections were given up because they took too long over something.
pub(super) fn timed_out(what: &'static str) -> Counter {
    metrics::counter!("aam_connections_timed_out_total", "what" => what)
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("seats", &self.seats).field("patience", &self.patience).finish_non_exhaustive()
    }
}
