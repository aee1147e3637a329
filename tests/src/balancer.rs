//! A load balancer in front of several servers.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyDataStream;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use reqwest::{Body, Client};
use tokio::{net::TcpListener, task::JoinHandle, time};

use crate::{api::client, eventually::eventually};

/// How often servers are asked whether they are ready.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How long they may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// An HTTP load balancer in this process: round robin over the servers whose `/ready` answers 200, with
/// kept connections. It retries nothing, so the client sees every failed request, and it is counted.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    inner: Arc<BalancerState>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug)]
struct BalancerState {
    client: Client,
    servers: Mutex<Vec<Arc<Upstream>>>,
    next: AtomicUsize,
    requests: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug)]
struct Upstream {
    base: String,
    is_ready: AtomicBool,
}

impl Balancer {
    /// Starts one in front of the servers at these addresses, and waits until all are ready.
    pub async fn start(bases: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let inner = Arc::new(BalancerState {
            client: client(),
            servers: Mutex::default(),
            next: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        });
        let tasks = [tokio::spawn(serve(listener, Arc::clone(&inner))), tokio::spawn(Arc::clone(&inner).keep_asking())];
        let balancer = Self { address, inner, tasks };
        for base in bases {
            balancer.add(base).await;
        }
        balancer
    }

    /// Its address.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a server, and waits until the balancer sees that it is ready.
    pub async fn add(&self, base: &str) {
        let server = Arc::new(Upstream { base: base.to_owned(), is_ready: AtomicBool::new(false) });
        self.inner.servers().push(Arc::clone(&server));
        let ready = async || server.is_ready.load(Ordering::Acquire).then_some(());
        eventually(format!("{base} to be ready"), ready).await;
    }

    /// Removes a server.
    pub fn remove(&self, base: &str) {
        self.inner.servers().retain(|server| server.base != base);
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Acquire)
    }

    /// How many of them got no complete response head from a server.
    pub fn failures(&self) -> u64 {
        self.inner.failures.load(Ordering::Acquire)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl BalancerState {
    fn servers(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Upstream>>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep_asking(self: Arc<Self>) {
        let mut ticks = time::interval(ASK_EVERY);
        loop {
            ticks.tick().await;
            let servers = self.servers().clone();
            for server in servers {
                let client = self.client.clone();
                tokio::spawn(async move {
                    let asked = client.get(format!("{}/ready", server.base)).timeout(ANSWER).send().await;
                    let is_ready = asked.is_ok_and(|answer| answer.status() == StatusCode::OK);
                    server.is_ready.store(is_ready, Ordering::Release);
                });
            }
        }
    }

    fn next_server(&self) -> Option<Arc<Upstream>> {
        let servers = self.servers();
        let ready: Vec<_> = servers.iter().filter(|server| server.is_ready.load(Ordering::Acquire)).collect();
        let at = self.next.fetch_add(1, Ordering::AcqRel).checked_rem(ready.len())?;
        Some(Arc::clone(ready[at]))
    }

    async fn forward(&self, request: Request<Incoming>) -> Response<Body> {
        self.requests.fetch_add(1, Ordering::AcqRel);
        let Some(server) = self.next_server() else { return self.failed("no server is ready".to_owned()) };
        let (parts, body) = request.into_parts();
        let mut forwarded = self.client.request(parts.method, format!("{}{}", server.base, parts.uri));
        let mut headers = parts.headers;
        let has_body = headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING);
        for own in [header::CONNECTION, header::HOST, header::TRANSFER_ENCODING] {
            headers.remove(own);
        }
        forwarded = forwarded.headers(headers);
        if has_body {
            forwarded = forwarded.body(Body::wrap_stream(BodyDataStream::new(body)));
        }
        match forwarded.send().await {
            Ok(answer) => {
                let mut answer = Response::<Body>::from(answer);
                for own in [header::CONNECTION, header::TRANSFER_ENCODING] {
                    answer.headers_mut().remove(own);
                }
                answer
            }
            Err(error) => self.failed(format!("{}: {error:?}", server.base)),
        }
    }

    fn failed(&self, why: String) -> Response<Body> {
        self.failures.fetch_add(1, Ordering::AcqRel);
        let mut response = Response::new(Body::from(why));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response
    }
}

async fn serve(listener: TcpListener, inner: Arc<BalancerState>) {
    loop {
        // The client closed the connection before it was accepted.
        let Ok((connection, _)) = listener.accept().await else { continue };
        let _ = connection.set_nodelay(true);
        let inner = Arc::clone(&inner);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let inner = Arc::clone(&inner);
                async move { Ok::<_, Infallible>(inner.forward(request).await) }
            });
            // The client reports a broken connection.
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(connection), service).await;
        });
    }
}
