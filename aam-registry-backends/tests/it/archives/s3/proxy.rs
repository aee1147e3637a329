//! A proxy between client and store with faults that tests plan.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future, stream};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What happens to a request.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// It does not reach the store; the proxy answers instead.
    Answer(StatusCode, HeaderMap, Bytes),
    /// The answer arrives very slowly.
    Slow,
    /// There is no answer.
    Silence,
    /// The answer stops after this many bytes, without closing the connection.
    SilenceBehind(usize),
    /// The connection breaks after this many bytes of the answer.
    CutBehind(usize),
    /// The store executes the request, and the connection breaks before the answer.
    LoseAnswer,
    /// The answer is this many bytes shorter, and its length says so.
    Shorten(usize),
}

impl Fault {
    /// An error answer of a store.
    pub(super) fn status(status: u16) -> Self {
        let code = match status {
            503 => "SlowDown",
            _ => "InternalError",
        };
        Self::Answer(
            StatusCode::from_u16(status).expect("a status"),
            HeaderMap::new(),
            format!("<Error><Code>{code}</Code><Message>in trouble</Message></Error>").into(),
        )
    }

    /// An error page of a proxy whose store is unavailable.
    pub(super) fn page(status: u16) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        let page = Bytes::from_static(b"<html><body>default backend</body></html>");
        Self::Answer(StatusCode::from_u16(status).expect("a status"), headers, page)
    }
}

/// The planned faults, and the requests so far.
#[derive(Debug)]
struct Script {
    upstream: SocketAddr,
    faults: Mutex<Vec<Planned>>,
    seen: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Planned {
    method: &'static str,
    part: &'static str,
    times: usize,
    fault: Fault,
}

/// A proxy in front of a store; it stops when dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    address: SocketAddr,
    script: Arc<Script>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn before(upstream: SocketAddr) -> Self {
        let script = Arc::new(Script { upstream, faults: Mutex::default(), seen: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let task = tokio::spawn(accept(listener, script.clone()));
        Self { address, script, task }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Plans a fault for the next `times` requests with that method whose path and query contain
    /// `part`.
    pub(super) fn plan(&self, times: usize, method: &'static str, part: &'static str, fault: Fault) {
        self.script.faults.lock().expect("lock").push(Planned { method, part, times, fault });
    }

    /// Plans a fault for all such requests.
    pub(super) fn plan_always(&self, method: &'static str, part: &'static str, fault: Fault) {
        self.plan(usize::MAX, method, part, fault);
    }

    /// Removes all planned faults.
    pub(super) fn heal(&self) {
        self.script.faults.lock().expect("lock").clear();
    }

    /// Method, path and query, and range of the requests since the last call.
    pub(super) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.script.seen.lock().expect("lock"))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Script {
    fn fault(&self, method: &str, target: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().expect("lock");
        let planned = faults
            .iter_mut()
            .find(|planned| planned.times > 0 && planned.method == method && target.contains(planned.part))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    loop {
        let Ok((connection, _)) = listener.accept().await else { continue };
        let (script, client) = (script.clone(), client.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(script.clone(), client.clone(), request));
            // An error of the service breaks the connection, which is intended.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
        });
    }
}

async fn answer(
    script: Arc<Script>,
    client: reqwest::Client,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let range = parts.headers.get(header::RANGE).map(|range| format!(" {}", range.to_str().expect("ASCII")));
    script.seen.lock().expect("lock").push(format!("{} {target}{}", parts.method, range.unwrap_or_default()));
    // Read the body before answering, so that a client never fails while it sends.
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let fault = script.fault(parts.method.as_str(), &target);
    match &fault {
        Some(Fault::Answer(status, headers, body)) => {
            let mut response = Response::new(Full::new(body.clone()).map_err(never).boxed_unsync());
            *response.status_mut() = *status;
            *response.headers_mut() = headers.clone();
            return Ok(response);
        }
        Some(Fault::Silence) => future::pending().await,
        _ => {}
    }
    let url = format!("http://{}{target}", script.upstream);
    // Keep the host, because it is signed.
    let sent = client.request(parts.method.clone(), url).headers(parts.headers).body(body).send();
    let upstream = sent.await.map_err(io::Error::other)?;
    if matches!(fault, Some(Fault::LoseAnswer)) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let mut response = Response::new(());
    *response.status_mut() = upstream.status();
    *response.headers_mut() = upstream.headers().clone();
    if let Some(Fault::Shorten(by)) = &fault {
        let len: usize = response.headers()[header::CONTENT_LENGTH].to_str().expect("ASCII").parse().expect("bytes");
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(len - by));
        let whole = upstream.bytes().await.map_err(io::Error::other)?;
        let shorter = whole.slice(..whole.len().saturating_sub(*by));
        return Ok(response.map(|()| Full::new(shorter).map_err(never).boxed_unsync()));
    }
    let chunks = upstream.bytes_stream().map_err(io::Error::other).boxed();
    let chunks = match fault {
        Some(Fault::CutBehind(bytes)) => {
            // While the body waits, everything before it is sent.
            let cut = stream::once(async {
                tokio::task::yield_now().await;
                Err(io::ErrorKind::ConnectionReset.into())
            });
            first(chunks, bytes).chain(cut).boxed()
        }
        Some(Fault::SilenceBehind(bytes)) => first(chunks, bytes).chain(stream::pending()).boxed(),
        Some(Fault::Slow) => drop_by_drop(chunks).boxed(),
        _ => chunks,
    };
    Ok(response.map(|()| StreamBody::new(chunks.map_ok(Frame::data)).boxed_unsync()))
}

fn never(error: Infallible) -> io::Error {
    match error {}
}

type Chunks = stream::BoxStream<'static, io::Result<Bytes>>;

/// The first `bytes` bytes.
fn first(chunks: Chunks, bytes: usize) -> Chunks {
    let cut = stream::try_unfold((chunks, bytes), async |(mut chunks, left)| {
        if left == 0 {
            return Ok(None);
        }
        let Some(mut chunk) = chunks.try_next().await? else { return Ok(None) };
        chunk.truncate(left);
        let left = left - chunk.len();
        Ok(Some((chunk, (chunks, left))))
    });
    cut.boxed()
}

/// A hundredth of a second before each chunk.
fn drop_by_drop(chunks: Chunks) -> Chunks {
    chunks
        .then(async |chunk| {
            tokio::time::sleep(Duration::from_millis(10)).await;
            chunk
        })
        .boxed()
}
